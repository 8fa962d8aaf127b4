/* The table of patterns. Whoever adds a row adds one that plants and finds and one that must
 * not fire to tests/redact/test_text_rows.c, and its line to docs/COREDUMP-PATTERNS.md; a
 * test compares them.
 *
 * Patterns are anchors: as short as tells the thing apart and ending at a known place, since
 * Vectorscan says only where a match ends. Where the secret ends, and whether it is one, the
 * check finds out. No pattern may match what common memory is full of. Vectorscan sees a
 * pattern only around one of its fragments (text_fragments.c), which a new one needs, too, and
 * none matches more than GATE_REACH bytes. */
#include "text_table.h"

#define ROW(name, kind, check, alphabet, flags, back, min, max, pattern, what)               \
	{                                                                                    \
		{ "" name, sizeof(name) - 1 }, (kind), (check), (alphabet), (flags), (back), \
			(min), (max), "" pattern,                                            \
		{                                                                            \
			"" what, sizeof(what) - 1                                            \
		}                                                                            \
	}

/* between a name and its value: password = 'x', "password": "x", \"password\":\"x\" */
#define IS "[\"'\\\\]{0,2}[ \\t]{0,4}[=:][ \\t]{0,4}[\"'\\\\]{0,2}"
/* a digit of base64 */
#define DIGIT "[A-Za-z0-9+/_-]"
/* the first character of a value */
#define VALUE "[^\"'\\\\\\x00-\\x20\\x7f-\\xff]"
/* a character that stands before what is not the rest of a word; the anchor is longer by it */
#define BEHIND(x) "(?:\"" x "|'" x "| " x "|=" x "|:" x "|\\x00" x ")"

static const struct text_row rows[] = {
	/* --- private keys --- */
	ROW("pem", VALUE_PRIVATE_KEY, CHECK_PEM, AL_PEM, 0, 11, 48, 0, "-----BEGIN ",
	    "PEM of any private key, OpenSSH's and PGP's too, whole or cut: all of it; public "
	    "keys and certificates are learned"),
	ROW("pem-utf16", VALUE_PRIVATE_KEY, CHECK_PEM, AL_PEM, ROW_WIDE, 11, 48, 0,
	    "-\\x00-\\x00B\\x00E\\x00G\\x00I\\x00N\\x00 \\x00", "likewise in UTF-16LE"),
	/* PKCS#8 of EC with a header of three bytes and of two, of RSA, of Ed25519 and its like; SEC1
	 * of P-256 and of longer curves; PKCS#1: filled up to 24 characters */
	ROW("bare", VALUE_PRIVATE_KEY, CHECK_BARE, AL_PEM, 0, 24, 24, 0,
	    "M(?:I[E-H]" DIGIT "AgE[AB]MB[AM]GByqGSM49AgEG"
	    "|[A-H]" DIGIT "CAQ[AE]wE[Aw]YHKoZIzj0CAQY" DIGIT "|II[A-Q]" DIGIT
	    "[AQgw]IBADA[LN]BgkqhkiG9w0B"
	    "|[A-H]" DIGIT "CAQ[AE]wBQYDK2V[u-x]B[CD]" DIGIT "{6}"
	    "|[A-H]" DIGIT "CAQEE(?:[HIM][A-P]|Q[g-v])" DIGIT "{14}"
	    "|I[E-H]" DIGIT "AgEBB(?:D[A-D]|E[I-L])" DIGIT "{13}"
	    "|II[A-Q]" DIGIT "[AQgw]IBAAK[BC]" DIGIT "{12})",
	    "PKCS#8, SEC1 and PKCS#1 in base64 that no PEM stands around, whole or cut: all of it"),
	ROW("putty", VALUE_PRIVATE_KEY, CHECK_PUTTY, AL_PEM, 0, 0, 24, 0,
	    "Private-Lines: [0-9]{1,4}\\r?\\n", "PuTTY's private lines: all of them"),
	ROW("openssh-binary", VALUE_PRIVATE_KEY, CHECK_OPENSSH, AL_NONE, 0, 15, 64, 0,
	    "openssh-key-v1\\x00", "OpenSSH's key format decoded: all of it"),
	ROW("der-pkcs8", VALUE_PRIVATE_KEY, CHECK_PKCS8, AL_NONE, 0, 6, 16, 0,
	    "\\x02\\x01[\\x00\\x01]\\x30[\\x05-\\x20]\\x06",
	    "PKCS#8 in DER, RSA, EC, Ed25519, X25519 and others: all of it"),
	ROW("der-pkcs1", VALUE_PRIVATE_KEY, CHECK_PKCS1, AL_NONE, 0, 9, 64, 0,
	    "\\x30\\x82[\\x01-\\x2f].\\x02\\x01\\x00\\x02[\\x81\\x82]",
	    "PKCS#1 RSAPrivateKey in DER: all of it"),
	ROW("der-sec1", VALUE_PRIVATE_KEY, CHECK_SEC1, AL_NONE, 0, 5, 32, 0,
	    "\\x02\\x01\\x01\\x04[\\x1c\\x20\\x30\\x42]", "SEC1 ECPrivateKey in DER: all of it"),
	ROW("der-rsa-tail", VALUE_PRIVATE_KEY, CHECK_RSA_TAIL, AL_NONE, 0, 2, 64, 0,
	    "\\x02\\x03\\x01\\x00\\x01\\x02[\\x81\\x82]",
	    "PKCS#1 of which the beginning is gone: what stands behind its public exponent"),
	ROW("der-ec-tail", VALUE_PRIVATE_KEY, CHECK_EC_TAIL, AL_NONE, 0, 1, 16, 0,
	    "\\xa1(?:\\x44\\x03\\x42|\\x64\\x03\\x62|\\x81\\x89\\x03\\x81\\x86)\\x00\\x04",
	    "SEC1 of which the beginning is gone: what is left of the scalar"),
	ROW("base64-tail", VALUE_PRIVATE_KEY, CHECK_BASE64_TAIL, AL_PEM, 0, 8, 24, 0,
	    "(?:AgMBAAEC|IDAQABAo|CAwEAAQK|oUQDQgAE|[Kaq6]FEA0IAB|hRANCAA[Q-T]"
	    "|oWQDYgAE|[Kaq6]FkA2IAB|hZANiAA[Q-T]|oYGJA4GG|[Kaq6]GBiQOB|hgYkDgYY)",
	    "either of them in base64: all of it"),
	ROW("pem-tail", VALUE_PRIVATE_KEY, CHECK_PEM_TAIL, AL_PEM, 0, 5, 24, 0,
	    "-----END [A-Z ]{0,16}PRIVATE KEY-----",
	    "PEM of which the beginning is gone: all lines of base64 before its end"),
	ROW("age", VALUE_PRIVATE_KEY, CHECK_RUN, AL_UPPER, 0, 0, 58, 58, "AGE-SECRET-KEY-1",
	    "age's secret keys: behind the first 16 characters"),
	ROW("sexp", VALUE_PRIVATE_KEY, CHECK_SEXP, AL_HEX, 0, 16, 32, 0,
	    "\\([dpqux] #[0-9A-Fa-f\\n ]{16}",
	    "private numbers of GnuPG's keys as S-expressions in hex: all of their digits; points "
	    "are learned"),
	ROW("sexp-canonical", VALUE_PRIVATE_KEY, CHECK_SEXP_CANONICAL, AL_NONE, 0, 0, 16, 0,
	    "\\(1:[dpqux][0-9]{2,4}:", "likewise in canonical form"),
	ROW("sexp-binary", VALUE_PRIVATE_KEY, CHECK_SEXP_BINARY, AL_NONE, 0, 0, 16, 0,
	    "\\x03\\x01\\x01\\x00[dpqux]\\x01", "likewise as libgcrypt keeps them in memory"),
	/* --- public halves, by which private ones are recognised --- */
	ROW("der-public", VALUE_PRIVATE_KEY, CHECK_SPKI, AL_NONE, ROW_PUBLIC, 0, 0, 0,
	    "\\x2a\\x86\\x48\\x86\\xf7\\x0d\\x01\\x01\\x01",
	    "RSA SubjectPublicKeyInfo in DER: learned"),
	ROW("der-edwards", VALUE_PRIVATE_KEY, CHECK_EDWARDS, AL_NONE, ROW_PUBLIC, 0, 0, 0,
	    "\\x06\\x03\\x2b\\x65[\\x6e\\x70]\\x03",
	    "Ed25519 and X25519 SubjectPublicKeyInfo in DER: learned"),
	ROW("point", VALUE_PRIVATE_KEY, CHECK_POINT, AL_NONE, ROW_PUBLIC, 0, 0, 0,
	    "\\x03(?:\\x42|\\x62|\\x81\\x86)\\x00\\x04", "uncompressed EC points in DER: learned"),
	ROW("ssh-blob", VALUE_PRIVATE_KEY, CHECK_SSH_BLOB, AL_NONE, ROW_PUBLIC, 0, 0, 0,
	    "[\\x07\\x0b\\x13](?:ssh-rsa|ssh-ed25519|ecdsa-sha2-nistp)",
	    "SSH public keys in binary: learned"),
	ROW("ssh-text", VALUE_PRIVATE_KEY, CHECK_SSH_TEXT, AL_BASE64, ROW_PUBLIC, 8, 0, 0,
	    "AAAA(?:B3Nz|C3Nz|E2Vj)", "SSH public keys in base64: learned"),
	/* --- JOSE --- */
	ROW("jwk", VALUE_PRIVATE_KEY, CHECK_JWK, AL_URL, 0, 16, 16, 3000,
	    "\"(?:[dpqkrt]|d[pq]|qi)(?:\":|\" :|\\\\\":)\\s{0,4}\\\\?\"[A-Za-z0-9_-]{16}",
	    "d, p, q, dp, dq, qi, k and those of oth in a JWK: their values"),
	ROW("jwk-public", VALUE_PRIVATE_KEY, CHECK_JWK, AL_URL, ROW_PUBLIC, 40, 40, 3000,
	    "\"[nx](?:\":|\" :|\\\\\":)\\s{0,4}\\\\?\"[A-Za-z0-9_-]{40}",
	    "n, x and y in a JWK: learned"),
	ROW("jwt", VALUE_TOKEN, CHECK_JWT, AL_JWS, 0, 4, 20, 0,
	    "(?:eyJ[h-z0-6]|eyAi|ewog|ewoJ|ewoi|ew0K)",
	    "JWT, JWS and JWE, whole or in pieces as V8 keeps them: all of it, its signature "
	    "wherever else it is"),
	ROW("jwt-utf16", VALUE_TOKEN, CHECK_JWT, AL_JWS, ROW_WIDE, 4, 20, 0,
	    "e\\x00y\\x00J\\x00[A-Za-z0-9_-]\\x00", "likewise in UTF-16LE"),
	/* no pattern, since what is full of zeros is slow there: text_length.c finds the length */
	ROW("jws-signature", VALUE_TOKEN_PART, CHECK_SIGNATURE, AL_URL, ROW_COUNTED, 0, 43, 342, "",
	    "a signature alone, or as many bytes drawn at random, in a V8 string of 43, 86 or 342 "
	    "characters: all of it"),
	ROW("paseto", VALUE_TOKEN, CHECK_RANDOM, AL_TOKEN, 0, 32, 40, 0,
	    "\\bv[1-4]\\.(?:local|public)\\.[A-Za-z0-9_-]{32}", "PASETO: behind its purpose"),
	/* --- HTTP --- */
	ROW("bearer", VALUE_BEARER, CHECK_RANDOM, AL_TOKEN, ROW_NOCASE, 16, 16, 8192,
	    "\\b(?:bearer|dpop|gnap|apikey|token|splunk|bot) [a-z0-9._~+/=-]{16}",
	    "the credential behind Bearer, DPoP and the like"),
	ROW("basic", VALUE_PASSWORD, CHECK_BASIC, AL_BASE64, ROW_NOCASE, 6, 6, 1024,
	    "\\bbasic [a-z0-9+/]{6}", "what stands behind Basic, and the password in it"),
	ROW("digest", VALUE_PASSWORD, CHECK_RUN, AL_HEX, ROW_NOCASE, 32, 32, 128,
	    "\\bresponse=\"?[0-9a-f]{32}", "the response of Digest"),
	ROW("authorization", VALUE_BEARER, CHECK_HEADER, AL_VISIBLE, ROW_NOCASE, 1, 8, 8192,
	    "authorization" IS "[a-z0-9]",
	    "Authorization and Proxy-Authorization: what stands behind the scheme"),
	ROW("cookie", VALUE_COOKIE, CHECK_COOKIE, AL_VISIBLE, ROW_NOCASE, 1, 8, 8192,
	    "cookie[\"']?: {0,2}[\"']?[!#-~]", "Cookie and Set-Cookie: the values of their pairs"),
	ROW("key-header", VALUE_BEARER, CHECK_HEADER, AL_VISIBLE, ROW_NOCASE, 1, 8, 4096,
	    "\\bx-(?:api-key|auth-token|access-token|amz-security-token|vault-token|gitlab-token"
	    "|goog-api-key|csrf-token)" IS VALUE,
	    "X-Api-Key, X-Auth-Token, X-Vault-Token and the like: their values"),
	ROW("url-password", VALUE_PASSWORD, CHECK_USERINFO, AL_VISIBLE, 0, 1, 1, 256,
	    "[a-z5]://[A-Za-z0-9._%+~-]{0,64}:[^/@:\"'<>\\\\\\x00-\\x20\\x7f-\\xff]{3,200}@",
	    "a password in a URL, between : and @"),
	ROW("query", VALUE_BEARER, CHECK_QUERY, AL_QUERY, ROW_NOCASE, 8, 8, 8192,
	    "(?:_token|[?&]token|[?&]code|verifier|assertion|signature|[?&]sig|samlresponse)"
	    "=[!$-%'-;=?-~]{8}",
	    "credentials in a query or form: their values"),
	/* --- cloud and forge tokens --- */
	ROW("aws-id", VALUE_TOKEN, CHECK_RUN, AL_UPPER, 0, 20, 20, 20,
	    "\\b(?:AKIA|ASIA)[A-Z0-9]{16}", "AWS access key ids"),
	ROW("aws-secret", VALUE_TOKEN, CHECK_RUN, AL_BASE64, ROW_NOCASE, 40, 40, 40,
	    "secret_?(?:access_?)?key" IS "[a-z0-9+/]{40}", "AWS secret access keys by name"),
	ROW("google-key", VALUE_TOKEN, CHECK_RUN, AL_URL, 0, 39, 39, 39, "\\bAIza[A-Za-z0-9_-]{35}",
	    "Google API keys"),
	ROW("google-oauth", VALUE_TOKEN, CHECK_RUN, AL_TOKEN, 0, 25, 30, 2048,
	    "\\bya29\\.[A-Za-z0-9_-]{20}", "Google access tokens"),
	ROW("google-secret", VALUE_TOKEN, CHECK_RUN, AL_URL, 0, 27, 35, 35,
	    "GOCSPX-[A-Za-z0-9_-]{20}", "Google client secrets"),
	ROW("github", VALUE_TOKEN, CHECK_RUN, AL_WORD, 0, 24, 40, 255,
	    "\\bgh[pousr]_[A-Za-z0-9]{20}", "GitHub tokens"),
	ROW("github-pat", VALUE_TOKEN, CHECK_RUN, AL_WORD, 0, 20, 40, 255,
	    "\\bgithub_pat_[A-Za-z0-9_]{20}", "GitHub fine-grained tokens: behind github_pat_"),
	ROW("gitlab", VALUE_TOKEN, CHECK_RUN, AL_TOKEN, 0, 26, 26, 128,
	    "\\bgl(?:pat|ptt|dt|rt|cbt|ft|oas|soat)-[A-Za-z0-9_-]{20}", "GitLab tokens"),
	ROW("slack", VALUE_TOKEN, CHECK_RUN, AL_URL, 0, 15, 20, 255,
	    "\\bxox[abeoprs]-[A-Za-z0-9-]{10}", "Slack tokens"),
	ROW("slack-app", VALUE_TOKEN, CHECK_RUN, AL_URL, 0, 16, 30, 255,
	    "xapp-[0-9]-[A-Za-z0-9-]{9}", "Slack app tokens"),
	ROW("slack-hook", VALUE_TOKEN, CHECK_RUN, AL_TOKEN, 0, 10, 30, 100,
	    "hooks\\.slack\\.com/services/T[A-Z0-9]{9}", "Slack webhooks: behind services/"),
	ROW("stripe", VALUE_TOKEN, CHECK_RUN, AL_WORD, 0, 24, 24, 255,
	    "\\b[sr]k_(?:live|test)_[A-Za-z0-9]{16}", "Stripe secret and restricted keys"),
	ROW("stripe-hook", VALUE_TOKEN, CHECK_RUN, AL_BASE64, 0, 20, 30, 100,
	    "\\bwhsec_[A-Za-z0-9+/]{20}", "webhook secrets: behind whsec_"),
	ROW("npm", VALUE_TOKEN, CHECK_RUN, AL_ALNUM, 0, 36, 36, 36, "\\bnpm_[A-Za-z0-9]{36}",
	    "npm tokens: behind npm_"),
	ROW("pypi", VALUE_TOKEN, CHECK_RUN, AL_URL, 0, 21, 60, 1024, "pypi-AgE[A-Za-z0-9_-]{13}",
	    "PyPI tokens"),
	ROW("azure-key", VALUE_TOKEN, CHECK_RUN, AL_BASE64, ROW_NOCASE, 20, 40, 90,
	    "(?:accountkey|sharedaccesskey|sharedaccesssignature|sharedsecret)=[a-z0-9+/]{20}",
	    "Azure account and shared access keys"),
	ROW("azure-sas", VALUE_TOKEN, CHECK_QUERY, AL_QUERY, ROW_NOCASE, 8, 30, 1024,
	    "sharedaccesssignature=[!$-%'-;=?-~]{8}", "Azure shared access signatures"),
	ROW("sendgrid", VALUE_TOKEN, CHECK_RUN, AL_TOKEN, 0, 26, 60, 80,
	    BEHIND("SG\\.") "[A-Za-z0-9_-]{22}\\.", "SendGrid keys"),
	ROW("refresh-token", VALUE_TOKEN, CHECK_RUN, AL_TOKEN, 0, 26, 71, 90,
	    BEHIND("rt\\.") "[A-Za-z0-9_-]{22}\\.", "refresh tokens of this issuer"),
	ROW("twilio", VALUE_TOKEN, CHECK_RUN, AL_ALNUM, ROW_NOCASE, 34, 34, 34,
	    "twilio[^\\x00\\n]{0,60}\\bsk[0-9a-f]{32}", "Twilio keys where Twilio is named"),
	ROW("telegram", VALUE_TOKEN, CHECK_RUN, AL_URL, 0, 35, 35, 35,
	    "[0-9]{8}:AA[E-H][A-Za-z0-9_-]{32}", "Telegram bot tokens: behind the colon"),
	ROW("discord", VALUE_TOKEN, CHECK_RUN, AL_TOKEN, ROW_NOCASE, 59, 59, 80,
	    "discord[a-z_. :=\"'-]{1,30}[mno][a-z0-9_-]{23}\\.[a-z0-9_-]{6}\\.[a-z0-9_-]{27}",
	    "Discord bot tokens where Discord is named"),
	ROW("vault", VALUE_TOKEN, CHECK_RUN, AL_URL, 0, 20, 24, 255,
	    "\\bhv[bsr]\\.[A-Za-z0-9_-]{20}", "HashiCorp Vault tokens: behind hvs."),
	ROW("vault-old", VALUE_TOKEN, CHECK_RANDOM, AL_ALNUM, 0, 24, 24, 24,
	    "token\\W{1,6}s\\.[A-Za-z0-9]{24}", "former Vault tokens by name: behind s."),
	ROW("sk", VALUE_TOKEN, CHECK_RANDOM, AL_URL, 0, 16, 20, 255,
	    "\\bsk-(?:proj|ant|or|svcacct)-[A-Za-z0-9_-]{16}",
	    "keys of OpenAI, Anthropic and OpenRouter: behind sk-proj- and the like"),
	ROW("sk-old", VALUE_TOKEN, CHECK_RUN, AL_ALNUM, 0, 28, 40, 64, "sk-[A-Za-z0-9]{20}T3BlbkFJ",
	    "former keys of OpenAI: behind sk-"),
	ROW("forge-other", VALUE_TOKEN, CHECK_RANDOM, AL_TOKEN, 0, 20, 20, 255,
	    "\\b(?:dop_v1_|shp(?:at|ss|ca)_|rubygems_|dckr_pat_|lin_api_|atlasv1\\.|glsa_)"
	    "[A-Za-z0-9_-]{20}",
	    "tokens of DigitalOcean, Shopify, RubyGems, Docker, Linear, Terraform, Grafana: behind "
	    "their prefix"),
	ROW("hugging-face", VALUE_TOKEN, CHECK_RANDOM, AL_ALNUM, 0, 20, 30, 64,
	    BEHIND("hf_") "[A-Za-z0-9]{20}", "Hugging Face tokens: behind hf_"),
	/* --- TLS --- */
	ROW("keylog", VALUE_HMAC_KEY, CHECK_KEYLOG, AL_HEX, 0, 32, 32, 256,
	    "(?:CLIENT_RANDOM|_SECRET(?:_[0-9N])?) [0-9a-fA-F]{64} [0-9a-fA-F]{32}",
	    "lines of SSLKEYLOGFILE: the secret, and its bytes wherever they are"),
	/* --- passwords --- */
	ROW("password-hash", VALUE_PASSWORD, CHECK_RUN, AL_HASH, 0, 16, 16, 255,
	    "(?:\\$2[abxy]\\$[0-9]{2}|\\$argon2(?:id|i|d)\\$v=[0-9]{1,20}|\\$gy|\\$scrypt|" BEHIND(
		    "\\$[56y]") ")\\$"
				"[./A-Za-z0-9$=,+-]{16}",
	    "crypt(3), bcrypt, scrypt, yescrypt and Argon2 hashes: behind their parameters"),
	ROW("password-hash-named", VALUE_PASSWORD, CHECK_RUN, AL_HASH, 0, 16, 16, 255,
	    "(?:\\{(?:SSHA|SSHA256|SSHA512|SHA|CRYPT|PBKDF2)\\}|SCRAM-SHA-(?:1|256)\\$[0-9]{4,6}:"
	    "|pbkdf2_sha(?:1|256)\\$[0-9]{4,7}\\$)[./A-Za-z0-9$=,+-]{16}",
	    "hashes of LDAP, PostgreSQL and Django: behind their parameters"),
	ROW("password", VALUE_PASSWORD, CHECK_PASSWORD, AL_VISIBLE, ROW_NOCASE, 1, 4, 256,
	    "(?:passw(?:or)?d|passphrase|passcode|[^l]pwd|secret)" IS VALUE,
	    "password, passwd, pwd, passphrase, secret and what ends so, with = or : : the value"),
	ROW("password-utf16", VALUE_PASSWORD, CHECK_PASSWORD, AL_VISIBLE, ROW_NOCASE | ROW_WIDE, 1,
	    4, 256,
	    "(?:p\\x00a\\x00s\\x00s\\x00w\\x00(?:o\\x00r\\x00)?d|p\\x00w\\x00d|s\\x00e\\x00c\\x00r"
	    "\\x00e\\x00t)\\x00(?:[\"'\\\\ ]\\x00){0,3}[=:]\\x00(?:[\"'\\\\ ]\\x00){0,3}" VALUE
	    "\\x00",
	    "likewise in UTF-16LE"),
	ROW("secret", VALUE_TOKEN, CHECK_PASSWORD, AL_VISIBLE, ROW_NOCASE, 1, 8, 2048,
	    "(?:api_?-?key|(?:access|auth|refresh|session|bearer|id|bot)_?-?token"
	    "|(?:secret|private|signing|encryption|master|account|shared)_?-?(?:access_?)?key"
	    "|secret_?key_?base|connection_?string)" IS VALUE,
	    "api_key, access_token, secret_key and the like, with = or : : the value"),
	ROW("xml-password", VALUE_PASSWORD, CHECK_COMMAND, AL_QUERY, ROW_NOCASE, 1, 4, 256,
	    "<(?:password|passphrase|privatekey|secretkey|secret)>[^<>\\x00-\\x20\\x7f-\\xff]",
	    "elements of XML named password, passphrase or secret: what is in it"),
	ROW("config-password", VALUE_PASSWORD, CHECK_COMMAND, AL_VISIBLE, ROW_NOCASE, 1, 4, 512,
	    "(?:\\brequirepass|\\bmasterauth|tls-key-file-pass|sentinel auth-pass [!-~]{1,64}"
	    "|ssl_password|--password|--passphrase|\\bbindpw|\\brootpw)"
	    "[ =][\"']?" VALUE,
	    "redis, OpenLDAP and command lines: the argument"),
	ROW("psk", VALUE_PASSWORD, CHECK_PASSWORD, AL_VISIBLE, ROW_NOCASE, 1, 8, 64,
	    "\\bpsk(?:=|\":|: )[\"' ]{0,2}" VALUE,
	    "keys of wireless networks in wpa_supplicant's and NetworkManager's files: psk, the "
	    "value"),
	ROW("password-scheme", VALUE_PASSWORD, CHECK_SCHEME, AL_VISIBLE, 0, 1, 4, 256,
	    "\\{(?:PLAIN|CLEAR(?:TEXT)?)\\}" VALUE,
	    "passwords of Dovecot and LDAP that are kept as they are: behind {PLAIN}"),
	ROW("resp", VALUE_PASSWORD, CHECK_ARRAY, AL_VISIBLE, ROW_NOCASE, 0, 4, 512,
	    "(?:\\$4\\r\\nauth|\\$11\\r\\nrequirepass|\\$10\\r\\nmasterauth)\\r\\n\\$[0-9]{1,4}"
	    "\\r\\n",
	    "redis' AUTH and CONFIG SET requirepass: the last argument"),
	ROW("line-password", VALUE_PASSWORD, CHECK_LINE, AL_VISIBLE, 0, 1, 4, 512,
	    "[\\n\\x00](?:AUTH|auth|PASS) (?:default )?[!-~]",
	    "AUTH of redis, PASS of POP3 and FTP at the start of a line: the argument"),
	ROW("sasl", VALUE_PASSWORD, CHECK_BASIC, AL_BASE64, ROW_NOCASE, 8, 8, 1024,
	    "auth(?:enticate)? (?:plain|login) [a-z0-9+/]{8}",
	    "SASL PLAIN and LOGIN of SMTP, IMAP and POP3: the response, and the password in it"),
	ROW("imap", VALUE_PASSWORD, CHECK_LOGIN, AL_VISIBLE, ROW_NOCASE, 1, 4, 256,
	    "[a-z0-9.]{1,8} login [!-~]", "IMAP's LOGIN: the second argument"),
	ROW("sql", VALUE_PASSWORD, CHECK_QUOTED, AL_NONE, ROW_NOCASE, 1, 4, 512,
	    "(?:password|identified\\s{1,4}(?:with\\s{1,4}\\S{1,40}\\s{1,4})?(?:by|as))\\s{1,4}"
	    "'[^'\\x00-\\x1f]",
	    "CREATE USER, ALTER ROLE, IDENTIFIED BY: the literal"),
};

size_t text_rows_count(void)
{
	return COUNT_OF(rows);
}

const struct text_row *text_row_at(size_t i)
{
	return i < COUNT_OF(rows) ? &rows[i] : NULL;
}
