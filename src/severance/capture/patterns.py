"""Forms of secrets that are looked for beside those of detect-secrets: younger tokens, blocks, and passwords in prose.

Each pattern of a token is a prefix that its issuer chose so that it can be found, and names where the issuer says so.
"""

from __future__ import annotations

import re

TOKENS: tuple[tuple[str, str], ...] = (
    # docs/how-to/permits.md; the texts of permits and credentials are doors too
    ("severance-permit", r"\bsev[1co]\.[\w-]{30,48}\.[\w-]{20,}"),
    # https://platform.claude.com/docs/en/api/overview
    ("anthropic-key", r"\bsk-ant-[\w-]{20,}"),
    # https://platform.openai.com/docs/api-reference/authentication (project, service account and admin keys)
    ("openai-token", r"\bsk-(?:proj|svcacct|admin|None)-[\w-]{20,}"),
    ("sk-token", r"\bsk-(?=[\w-]*\d)(?:or-v1-)?[A-Za-z0-9]{24,}"),
    # https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github
    ("github-token", r"\bgithub_pat_\w{22,}"),
    # https://docs.gitlab.com/security/tokens/#token-prefixes
    ("gitlab-token", r"\bgl(?:rtr|ffct|wt|soat|pat|dt|rt)-[\w.-]{20,}"),
    # https://cloud.google.com/docs/authentication/api-keys
    ("google-key", r"\bAIza[\w-]{35}"),
    # https://developers.google.com/identity/protocols/oauth2
    ("google-oauth", r"\b(?:GOCSPX-[\w-]{20,}|ya29\.[\w-]{20,}|1//0[\w-]{30,})"),
    # https://api.slack.com/authentication/token-types
    ("slack-token", r"\b(?:xapp-\d-[\w-]{20,}|xox[cdes](?:\.xox[bp])?-[\w%-]{20,})"),
    # https://docs.npmjs.com/about-access-tokens
    ("npm-token", r"\bnpm_[A-Za-z0-9]{36}"),
    # https://huggingface.co/docs/hub/security-tokens
    ("hugging-face-token", r"\b(?:hf|api_org)_[A-Za-z0-9]{30,}"),
    # https://docs.stripe.com/keys and https://docs.stripe.com/webhooks
    ("stripe-key", r"\b(?:[srp]k_test_[A-Za-z0-9]{16,}|[sr]k_live_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9+/]{24,})"),
    # https://docs.digitalocean.com/reference/api/create-personal-access-token/
    ("digitalocean-token", r"\bdo[opr]_v1_[0-9a-f]{64}"),
    # https://shopify.dev/docs/apps/build/authentication-authorization
    ("shopify-token", r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    # https://docs.databricks.com/aws/en/dev-tools/auth/pat
    ("databricks-token", r"\bdapi[0-9a-f]{32}"),
    # https://developer.hashicorp.com/vault/docs/concepts/tokens
    ("vault-token", r"\bhv[sbr]\.[\w-]{24,}"),
    # https://docs.docker.com/security/access-tokens/
    ("docker-token", r"\bdckr_(?:pat|oat)_[\w-]{20,}"),
    # https://docs.sentry.io/account/auth-tokens/
    ("sentry-token", r"\bsntry[su]_[\w+/=-]{32,}"),
    # https://tailscale.com/kb/1277/key-prefixes
    ("tailscale-key", r"\btskey-[a-z]+-[\w-]{16,}"),
    # https://linear.app/developers, https://developers.notion.com/reference/authentication
    ("linear-key", r"\blin_(?:api|oauth)_[A-Za-z0-9]{32,}"),
    ("notion-token", r"\b(?:ntn_[A-Za-z0-9]{40,}|secret_[A-Za-z0-9]{43})"),
    # https://grafana.com/docs/grafana/latest/administration/service-accounts/
    ("grafana-token", r"\bgl(?:sa|c)_[\w+/=]{32,}"),
    # https://console.groq.com/docs/quickstart, https://docs.x.ai, https://docs.perplexity.ai, https://replicate.com/docs
    ("groq-key", r"\bgsk_[A-Za-z0-9]{40,}"),
    ("xai-key", r"\bxai-[A-Za-z0-9]{40,}"),
    ("perplexity-key", r"\bpplx-[A-Za-z0-9]{40,}"),
    ("replicate-token", r"\br8_[A-Za-z0-9]{30,}"),
    # https://supabase.com/docs/guides/api/api-keys
    ("supabase-key", r"\b(?:sbp_[0-9a-f]{40}|sb_secret_[\w-]{20,})"),
    # https://learning.postman.com/docs/developer/postman-api/authentication/
    ("postman-key", r"\bPMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
    # https://age-encryption.org/v1
    ("age-key", r"\bAGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]{50,}"),
    # RFC 7519: a header and claims, which are JSON objects in base64url, and a signature
    ("json-web-token", r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}(?:\.[\w-]*)*"),
    # RFC 9110, section 11.6.2
    ("authorization", r"(?i:\bauthorization[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?:bearer|basic|token)\s{1,3})(\S{8,})"),
    ("authorization", r"(?i:\bbearer\s{1,3})((?=[\w.~+/-]*\d)[\w.~+/-]{20,}=*)"),
    # https://learn.microsoft.com/azure/storage/common/storage-sas-overview, and keys in addresses generally
    ("key-in-address", r"[?&](?i:sig|key|signature|x-amz-signature|x-goog-signature)=([^&\s\"'<>)]{16,})"),
)
"""A kind and its pattern. Where the pattern has a group, that is the secret."""

_BODY = r"(?:[>|\s]*(?:[\w-]+: [^\n]*|[A-Za-z0-9+/=\\]{16,76}(?:\\n)?)[ \t\r]*(?:\n|\Z))"
BLOCKS: tuple[str, ...] = (
    # RFC 7468, RFC 9580; with END as far as that, and without it as far as lines look like a key
    r"(?s:-{4,5} ?BEGIN (?P<what>[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?) ?-{4,5}"
    r"(?:(?:(?!-{4,5} ?BEGIN ).){0,65536}?-{4,5} ?END (?P=what) ?-{4,5}|[ \t\r]*\n" + _BODY + r"*))",
    _BODY + r"*[>|\s]*-{4,5} ?END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}",
    r"(?s:PuTTY-User-Key-File-\d:.{0,65536}?(?:Private-MAC: *[0-9a-f]+|\Z))",
)
"""Private keys: a whole one, or one without its end, or the end of one; and a PuTTY one."""

_PERSONAL = (
    r"passw(?:or)?ds?|passwd|passphrase|passcode|pwd|passwort|kennwort|contraseña|contrasena|mot de passe|senha|"
    r"wachtwoord|hasło|пароль|密码|パスワード"
)
_TECHNICAL = (
    r"secret|token|credential|(?:api|access|secret|private|signing|encryption|root|master|auth|account)[ _-]?key|_key"
)
ASSIGNED = (
    rf"(?i:(?P<password>{_PERSONAL})|(?:{_TECHNICAL}))[\w-]{{0,16}}[\"'`\])*_]{{0,3}}[ \t]{{0,3}}"
    r"(?P<by>:=|=>|[=:：|]|\b(?:is|was|ist|est|es)\b)[*_]{0,2}[ \t]{0,3}"
    r"(?:(?P<quote>[\"'`])(?P<quoted>[^\"'`\r\n]{4,200})(?P=quote)|(?P<bare>[^\s\"'`<>(){}\[\],;|]{6,}))"
)
"""A name that sounds like a secret, and what it is set to: quoted, or one word."""

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
