"""Debian's Apache with mod_auth_openidc as an instance of its own, in a folder of the test."""
import os
import pathlib
import subprocess

from chancery import free_port, port_answers, wait_for

CONF = """
ServerRoot /usr/lib/apache2
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {dir}/pid
ErrorLog {dir}/error.log
LogLevel warn auth_openidc:info
DefaultRuntimeDir {dir}
Mutex file:{dir} default
StartServers 1
ThreadsPerChild 4
MaxRequestWorkers 4
ServerLimit 1
LoadModule mpm_event_module modules/mod_mpm_event.so
LoadModule authn_core_module modules/mod_authn_core.so
LoadModule authz_core_module modules/mod_authz_core.so
LoadModule authz_user_module modules/mod_authz_user.so
LoadModule headers_module modules/mod_headers.so
LoadModule auth_openidc_module modules/mod_auth_openidc.so
{who}
DocumentRoot {dir}/files
OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration
OIDCClientID apache
OIDCClientSecret "{secret}"
OIDCProviderTokenEndpointAuth {method}
OIDCRedirectURI http://localhost:{port}/inside/redirect
OIDCCryptoPassphrase for-this-test-alone
OIDCScope "openid profile email"
OIDCPKCEMethod S256
OIDCRemoteUserClaim sub
OIDCRefreshAccessTokenBeforeExpiry 0
<Location /inside>
  AuthType openid-connect
  Require valid-user
  Header set X-User "expr=%{{REMOTE_USER}}"
  Header set X-Name "%{{OIDC_CLAIM_name}}e"
  Header set X-Email "%{{OIDC_CLAIM_email}}e"
</Location>
"""


class Apache:
    def __init__(self, folder, issuer, secret, method="client_secret_basic"):
        self.dir, self.port = pathlib.Path(folder), free_port()
        self.dir.mkdir(mode=0o755)
        (self.dir / "files/inside").mkdir(parents=True)
        (self.dir / "files/inside/page").write_text("what is inside\n")
        who = "User nobody\nGroup nogroup" if os.geteuid() == 0 else ""
        (self.dir / "apache.conf").write_text(
            CONF.format(dir=self.dir, port=self.port, issuer=issuer, secret=secret, who=who,
                        method=method))

    @property
    def url(self):
        return f"http://localhost:{self.port}"

    def __enter__(self):
        with open(self.dir / "output", "wb") as out:
            self.process = subprocess.Popen(
                ["/usr/sbin/apache2", "-f", str(self.dir / "apache.conf"), "-DFOREGROUND"],
                stdout=out, stderr=out, stdin=subprocess.DEVNULL)
        wait_for(lambda: self.process.poll() is not None or port_answers(self.port),
                 what="Apache's start")
        assert self.process.poll() is None, self.log()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(120)

    def log(self):
        return "".join(p.read_text() for p in (self.dir / "output", self.dir / "error.log")
                       if p.exists())
