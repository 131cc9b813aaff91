"""Forms of secrets that are looked for beside those of detect-secrets: younger tokens, passwords in commands and prose.

Each pattern of a token is a prefix that its issuer chose so that it can be found, and names where the issuer says so.
"""

from __future__ import annotations

import re

TOKENS: tuple[tuple[str, str, str], ...] = (
    # docs/how-to/permits.md; the texts of permits and credentials are doors too
    ("severance-permit", "sev", r"\bsev[1co]\.[\w-]{30,48}\.[\w-]{20,}"),
    # https://platform.claude.com/docs/en/api/overview
    ("anthropic-key", "sk-ant-", r"\bsk-ant-[\w-]{20,}"),
    # https://platform.openai.com/docs/api-reference/authentication (project, service account and admin keys)
    ("openai-token", "sk-", r"\bsk-(?:proj|svcacct|admin|None)-[\w-]{20,}"),
    ("sk-token", "sk-", r"\bsk-(?=[\w-]{0,64}\d)(?:or-v1-)?[A-Za-z0-9]{24,}"),
    # https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github
    ("github-token", "github_pat_", r"\bgithub_pat_\w{22,}"),
    # https://docs.gitlab.com/security/tokens/#token-prefixes
    ("gitlab-token", "gl", r"\bgl(?:rtr|ffct|wt|soat|pat|dt|rt)-[\w.-]{20,}"),
    # https://cloud.google.com/docs/authentication/api-keys
    ("google-key", "aiza", r"\bAIza[\w-]{35}"),
    # https://developers.google.com/identity/protocols/oauth2
    ("google-oauth", "gocspx-", r"\bGOCSPX-[\w-]{20,}"),
    ("google-oauth", "ya29.", r"\bya29\.[\w-]{20,}"),
    ("google-oauth", "1//0", r"\b1//0[\w-]{30,}"),
    # https://api.slack.com/authentication/token-types
    ("slack-token", "xapp-", r"\bxapp-\d-[\w-]{20,}"),
    ("slack-token", "xox", r"\bxox[cdes](?:\.xox[bp])?-[\w%-]{20,}"),
    # https://docs.npmjs.com/about-access-tokens
    ("npm-token", "npm_", r"\bnpm_[A-Za-z0-9]{36}"),
    # https://huggingface.co/docs/hub/security-tokens
    ("hugging-face-token", "_", r"\b(?:hf|api_org)_[A-Za-z0-9]{30,}"),
    # https://docs.stripe.com/keys and https://docs.stripe.com/webhooks
    ("stripe-key", "_", r"\b(?:[srp]k_test_[A-Za-z0-9]{16,}|[sr]k_live_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9+/]{24,})"),
    # https://docs.digitalocean.com/reference/api/create-personal-access-token/
    ("digitalocean-token", "_v1_", r"\bdo[opr]_v1_[0-9a-f]{64}"),
    # https://shopify.dev/docs/apps/build/authentication-authorization
    ("shopify-token", "shp", r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    # https://docs.databricks.com/aws/en/dev-tools/auth/pat
    ("databricks-token", "dapi", r"\bdapi[0-9a-f]{32}"),
    # https://developer.hashicorp.com/vault/docs/concepts/tokens
    ("vault-token", "hv", r"\bhv[sbr]\.[\w-]{24,}"),
    # https://docs.docker.com/security/access-tokens/
    ("docker-token", "dckr_", r"\bdckr_(?:pat|oat)_[\w-]{20,}"),
    # https://docs.sentry.io/account/auth-tokens/
    ("sentry-token", "sntry", r"\bsntry[su]_[\w+/=-]{32,}"),
    # https://tailscale.com/kb/1277/key-prefixes
    ("tailscale-key", "tskey-", r"\btskey-[a-z]+-[\w-]{16,}"),
    # https://linear.app/developers, https://developers.notion.com/reference/authentication
    ("linear-key", "lin_", r"\blin_(?:api|oauth)_[A-Za-z0-9]{32,}"),
    ("notion-token", "_", r"\b(?:ntn_[A-Za-z0-9]{40,}|secret_[A-Za-z0-9]{43})"),
    # https://grafana.com/docs/grafana/latest/administration/service-accounts/
    ("grafana-token", "gl", r"\bgl(?:sa|c)_[\w+/=]{32,}"),
    # https://console.groq.com/docs/quickstart, https://docs.x.ai, https://docs.perplexity.ai, https://replicate.com/docs
    ("groq-key", "gsk_", r"\bgsk_[A-Za-z0-9]{40,}"),
    ("xai-key", "xai-", r"\bxai-[A-Za-z0-9]{40,}"),
    ("perplexity-key", "pplx-", r"\bpplx-[A-Za-z0-9]{40,}"),
    ("replicate-token", "r8_", r"\br8_[A-Za-z0-9]{30,}"),
    # https://supabase.com/docs/guides/api/api-keys
    ("supabase-key", "sb", r"\b(?:sbp_[0-9a-f]{40}|sb_secret_[\w-]{20,})"),
    # https://learning.postman.com/docs/developer/postman-api/authentication/
    ("postman-key", "pmak-", r"\bPMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
    # https://age-encryption.org/v1
    ("age-key", "age-secret-key-", r"\bAGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]{50,}"),
    # RFC 7519: a header and claims, which are JSON objects in base64url, and a signature
    ("json-web-token", "eyj", r"\beyJ[\w-]{8,4096}\.eyJ[\w-]{8,}(?:\.[\w-]*)*"),
    # RFC 9110, section 11.6.2
    (
        "authorization",
        "authorization",
        r"(?i:\bauthorization[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?:bearer|basic|token)\s{1,3})(\S{8,})",
    ),
    ("authorization", "bearer", r"(?i:\bbearer\s{1,3})((?=[\w.~+/-]{0,64}\d)[\w.~+/-]{20,}=*)"),
    # https://learn.microsoft.com/azure/storage/common/storage-sas-overview, and keys in addresses generally
    # https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
    ("webhook", "hooks.slack", r"\bhooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/([\w/-]{20,})"),
    # https://docs.discord.com/developers/resources/webhook
    ("webhook", "webhooks/", r"\bdiscord(?:app)?\.com/api/(?:v\d{1,2}/)?webhooks/(\d{15,21}/[\w-]{40,})"),
    ("key-in-address", "=", r"[?&](?i:sig|key|signature|x-amz-signature|x-goog-signature)=([^&\s\"'<>)]{16,})"),
)
"""A kind, what a line has to have in it (in small letters), and a pattern. Where that has a group, it is the secret."""

_PERSONAL = (
    r"passw(?:or)?ds?|passwd|passphrase|passcode|pwd|passwort|kennwort|contraseña|contrasena|mot de passe|senha|"
    r"wachtwoord|hasło|пароль|密码|パスワード"
)
_CAPITAL = r"(?-i:[A-Z0-9]_PASS|\bPASS(?=[ \t]{0,3}=))(?![\w-])"
_LOWER = r"(?:[a-z0-9][_-]pass|\bpass(?=[ \t]{0,3}=))(?![\w-])"
_TECHNICAL = (
    r"secret|token|credential|(?:api|access|secret|private|signing|encryption|root|master|auth|account)[ _-]?key|_key"
)
ASSIGNED = (
    rf"(?i:(?P<password>{_PERSONAL}|{_CAPITAL})|(?P<short>{_LOWER})|(?:{_TECHNICAL}))"
    r"[\w-]{0,16}[\"'`\])*_]{0,3}[ \t]{0,3}"
    r"(?P<by>:=|=>|[=:：|]|\b(?:is|was|ist|est|es)\b)[*_]{0,2}[ \t]{0,3}"
    r"(?:(?P<quote>[\"'`])(?P<quoted>[^\"'`\r\n]{4,200})(?P=quote)|(?P<bare>[^\s\"'`<>(){}\[\],;|]{6,}))"
)
"""A name that sounds like a secret, and what it is set to: quoted, or one word."""

_WORD = r"(?:\"[^\"\r\n]{1,256}\"|'[^'\r\n]{1,256}'|[^\s\"'`<>|;&]{1,256})"
STANDING: tuple[tuple[str, str, str], ...] = (
    # a root key as its file has it: 32 bytes in base64, the last letter with two empty bits; no end of a certificate
    (
        "key-of-32-bytes",
        "=",
        r"(?m:^)(?<![A-Za-z0-9+/]{64}\n)(?:[>|*$#\t -]{0,16}[ \t])?[`\"']?([\w+/-]{42}[AEIMQUYcgkosw048]=)"
        r"(?m:(?=[`\"']?[ \t\r]*$))",
    ),
    (
        "wallet-key",
        "key",
        r"(?i:\b(?:private|secret|signing)[ _-]?key)(?:[\s:=\"'`*(]|\bis\b|\bhex\b){0,8}\b((?:0x)?[0-9A-Fa-f]{64})\b",
    ),
    (
        "password",
        "curl",
        r"\bcurl\b[^\n]{0,400}?(?<!\S)(?:-[A-Za-z]{0,8}[uU]|--(?:proxy-)?user)[ \t=]{0,3}"
        rf"(?=[\"']?[^\s:\"']{{1,128}}:[^\s:])({_WORD})",
    ),
    ("password", "sshpass", rf"\bsshpass\b[^\n]{{0,100}}?(?<!\S)-p[ \t]{{0,3}}({_WORD})"),
    (
        "password",
        "-p",
        r"\b(?:mysql|mariadb)[a-z-]{0,16}[ \t][^\n|;&]{0,300}?(?<!\S)-p"
        rf"(?!\s|[\d:.]{{1,40}}(?:\s|\Z)|ort\b|rotocol\b|assword\b)({_WORD})",
    ),
    # the file .netrc of curl, ftp and git, on one line or more
    (
        "password",
        "login",
        r"\b(?:machine\s{1,8}\S{1,253}|default)\s{1,8}(?:(?:login|account)\s{1,8}\S{1,128}\s{1,8}){1,2}password\s{1,8}"
        r"(\S{1,256})",
    ),
    (
        "password",
        "</",
        r"(?i:<[\w:.-]{0,32}(?:password|passwd|passphrase)[\w.-]{0,16}(?:\s[^<>]{0,200})?>)\s{0,8}(?:<!\[CDATA\[)?"
        r"([^<>\s\]][^<>\r\n\]]{2,255})(?:\]\]>)?\s{0,8}</",
    ),
    (
        "secret",
        "</",
        r"(?i:<[\w:.-]{0,32}(?:secret|token|api[_-]?key|private[_-]?key)[\w.-]{0,16}(?:\s[^<>]{0,200})?>)\s{0,8}"
        r"(?:<!\[CDATA\[)?(?=[^<>\s]{0,255}\d)([^<>\s\]]{8,256})(?:\]\]>)?\s{0,8}</",
    ),
    # RFC 6265, sections 4.1 and 4.2
    (
        "cookie",
        "cookie",
        r"(?i:(?<![\w-])(?:set-)?cookie[\"']?[ \t]{0,3}:[ \t]{0,3}[\"']?)"
        r"(?=[^\"'\r\n]{1,4096}?\d)([^\s=;,\"'<>(){}]{1,128}=\"?[^\s\"'<${%][^\"'\r\n]{3,4096})",
    ),
)
"""A kind, what a text has to have in it (in small letters), and a pattern whose group is the secret that its place
gives away. Every repetition has a bound, so that the time grows with the length of the text.
"""

NO_SECRET = frozenset(
    re.findall(
        r"\w+",
        "changed changeme default disabled empty enabled encrypted expired false forgotten hashed hidden incorrect "
        "invalid missing mandatory needed nothing null optional placeholder protected redacted removed required "
        "revoked rotated secret stored string todo unchanged undefined unknown unset password passwort passphrase "
        "token username",
    )
)
"""Words that stand where a password could, and are none."""
