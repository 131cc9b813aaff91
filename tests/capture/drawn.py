"""Secrets for tests, drawn from a seed: none of them opens anything, and none stands in a file of the repository."""

from __future__ import annotations

import string
from base64 import b64encode
from random import Random

ALNUM = string.ascii_letters + string.digits
HEX = "0123456789abcdef"


def drawn(length: int, alphabet: str = ALNUM, *, seed: int = 5) -> str:
    """So many characters, with a letter and a digit where the alphabet has both."""
    chars = Random(f"{seed}{length}{alphabet}").choices(alphabet, k=length)
    if length > 4 and alphabet != string.digits:
        chars[1], chars[3] = "7", next(char for char in alphabet if char.isalpha())
    return "".join(chars)


def pem(kind: str = "RSA PRIVATE KEY") -> str:
    """A private key over several lines."""
    lines = [drawn(64, ALNUM + "+/", seed=seed) for seed in range(8)]
    return "\n".join([f"-----BEGIN {kind}-----", *lines, f"-----END {kind}-----"])


BASE64 = ALNUM + "+/"
TOKENS = {
    "github-token": [f"ghp_{drawn(36)}", f"github_pat_{drawn(22)}_{drawn(59)}"],
    "aws-access-key": [f"AKIA{drawn(16, string.ascii_uppercase + string.digits)}"],
    "anthropic-key": [f"sk-ant-api03-{drawn(93)}"],
    "openai-token": [f"sk-proj-{drawn(120)}", f"sk-svcacct-{drawn(80)}"],
    "sk-token": [f"sk-{drawn(48)}", f"sk-or-v1-{drawn(64, HEX)}"],
    "google-key": [f"AIza{drawn(35)}"],
    "google-oauth": [f"GOCSPX-{drawn(28)}"],
    "slack-token": [f"xoxb-{drawn(12, string.digits)}-{drawn(12, string.digits)}-{drawn(24)}", f"xapp-1-A{drawn(60)}"],
    "npm-token": [f"npm_{drawn(36)}"],
    "hugging-face-token": [f"hf_{drawn(34)}"],
    "stripe-key": [f"sk_live_{drawn(99)}", f"sk_test_{drawn(24)}", f"whsec_{drawn(32)}"],
    "gitlab-token": [f"glpat-{drawn(20)}", f"glpat-{drawn(27)}.01.{drawn(9)}"],
    "digitalocean-token": [f"dop_v1_{drawn(64, HEX)}"],
    "shopify-token": [f"shpat_{drawn(32, HEX)}"],
    "databricks-token": [f"dapi{drawn(32, HEX)}"],
    "vault-token": [f"hvs.{drawn(90)}"],
    "docker-token": [f"dckr_pat_{drawn(27)}"],
    "sentry-token": [f"sntrys_{drawn(80)}"],
    "tailscale-key": [f"tskey-auth-{drawn(17)}-{drawn(32)}"],
    "linear-key": [f"lin_api_{drawn(40)}"],
    "notion-token": [f"ntn_{drawn(46)}"],
    "grafana-token": [f"glsa_{drawn(32)}_{drawn(8, HEX)}"],
    "groq-key": [f"gsk_{drawn(52)}"],
    "xai-key": [f"xai-{drawn(80)}"],
    "perplexity-key": [f"pplx-{drawn(48)}"],
    "replicate-token": [f"r8_{drawn(37)}"],
    "supabase-key": [f"sbp_{drawn(40, HEX)}"],
    "postman-key": [f"PMAK-{drawn(24, HEX)}-{drawn(34, HEX)}"],
    "sendgrid-api-key": [f"SG.{drawn(22)}.{drawn(43)}"],
    "pypi-token": [f"pypi-AgEIcHlwaS5vcmc{drawn(150)}"],
    "mailchimp-access-key": [f"{drawn(32, HEX)}-us12"],
    "telegram-bot-token": [f"{drawn(9, string.digits)}:{drawn(35)}"],
    "twilio-api-key": [f"SK{drawn(32, HEX)}"],
    "discord-bot-token": [f"M{drawn(23)}.{drawn(6)}.{drawn(27)}"],
    "json-web-token": [f"eyJ{drawn(30)}.eyJ{drawn(60)}.{drawn(43)}"],
    "age-key": [f"AGE-SECRET-KEY-1{drawn(58, string.ascii_uppercase + string.digits)}"],
    "severance-permit": [f"sev1.{drawn(43)}.{drawn(200)}", f"sevc.{drawn(32, HEX)}.{drawn(43)}"],
}
"""By the kind under which they are counted."""

PASSWORD = drawn(11)
ROOT_KEY = b64encode(Random(5).randbytes(32)).decode()
"""As the key file of a house has it."""
IN_A_SENTENCE = {
    "password": [
        f"password: {PASSWORD}",
        f"Password is {PASSWORD}!",
        f"- **Password:** `{PASSWORD}`",
        f"| wifi password | {PASSWORD} |",
        f"WLAN-Passwort: {PASSWORD}",
        f"contraseña = {PASSWORD}",
        f"пароль: {PASSWORD}",
        f"密码：{PASSWORD}",
        'passphrase = "correct horse battery staple"',
        "the password: Swordfish",
        f"DB_PASS={PASSWORD}",
        "export DB_PASS='correct horse'",
        f"PASS = {PASSWORD}",
        f"smtp_pass: {PASSWORD}",
        f"curl -u admin:{PASSWORD} https://example.org/",
        f"curl -sSLu 'admin:{PASSWORD}' https://example.org/",
        f"curl https://example.org/ --user=admin:{PASSWORD}",
        f"mysql -uroot -p{PASSWORD} shop",
        f"mysqldump -h db.example.org -u root -p'{PASSWORD}' shop",
        f"sshpass -p {PASSWORD} ssh example.org",
        "sshpass -p 'correct horse' ssh example.org",
        f"machine example.org login me password {PASSWORD}",
        f"machine example.org\n  login me\n  account mine\n  password {PASSWORD}",
        f"default login me password {PASSWORD}",
        f"<password>{PASSWORD}</password>",
        f'<db:userPassword type="plain">{PASSWORD}</db:userPassword>',
        "<passphrase><![CDATA[correct horse]]></passphrase>",
    ],
    "key-of-32-bytes": [ROOT_KEY, f"$ cat severance.key\n{ROOT_KEY}", f"> `{ROOT_KEY}`", f"  {ROOT_KEY}\r"],
    "wallet-key": [f"private key 0x{drawn(64, HEX)}", f"The private key is {drawn(64, HEX)}."],
    "cookie": [
        f"Cookie: session={drawn(32, HEX)}; theme=dark",
        f"Set-Cookie: sid={drawn(24)}; Path=/; HttpOnly",
        f"curl -H 'Cookie: session={drawn(32, HEX)}' https://example.org/",
    ],
    "webhook": [
        f"https://hooks.slack.com/services/T{drawn(8)}/B{drawn(8)}/{drawn(24)}",
        f"https://discord.com/api/webhooks/{drawn(18, string.digits)}/{drawn(68)}",
        f"https://ptb.discordapp.com/api/v10/webhooks/{drawn(19, string.digits)}/{drawn(68)}",
    ],
    "secret": [
        f"API_KEY={drawn(32, HEX)}",
        f"aws_secret_access_key = {drawn(40, BASE64)}",
        f"token: {drawn(20)}",
        f'{{"client_secret": "{drawn(24)}"}}',
        f"export SEVERANCE_KEY={drawn(43)}=",
        f'"access_token" => "{drawn(24)}"',
        f"<apiToken>{drawn(24)}</apiToken>",
    ],
    "authorization": [f"Authorization: Bearer {drawn(40)}", f"curl -H 'Authorization: Basic {drawn(24, BASE64)}=='"],
    "key-in-address": [f"https://blob.example.org/f?sv=1&sig={drawn(43)}%3D&x=1"],
    "basic-auth-credentials": [f"postgres://me:{drawn(9)}@db.example.org/x"],
    "high-entropy-string": [f'x = "{drawn(40)}"'],
}
"""Secrets that only what stands around them gives away, the secret last or in quotes."""
