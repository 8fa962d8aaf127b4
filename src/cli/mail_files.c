/* What Dovecot reads. Written by the user it runs as, so that nothing in a folder of
 * that user's can lead a privileged process astray. The introspection URL holds the
 * gate's client secret: its file is 0600. */
#include "mail_files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/rw.h"

enum { FILE_MAX = 8192, OWNER_ONLY = 0600, FOLDER_MODE = 0700, NAME_CAP = 64 };

/* @R folder, @S a short name of it, @U user, @G group, @P port. The three chroot lines and the login user are
 * what it takes to run without root; the penalty and the delay are for real life, where
 * a refused login should be slow. */
static const char dovecot_conf[] =
	"# A throw-away Dovecot of `chancery serve --dev --mail`: one ordinary user, IMAP on\n"
	"# loopback, tokens only. contrib/dovecot/ has what belongs on a real mail host.\n"
	"base_dir = @S/run\n"
	"state_dir = @R/state\n"
	"log_path = @R/dovecot.log\n"
	"auth_verbose = yes\n"
	"protocols = imap\n"
	"listen = 127.0.0.1\n"
	"ssl = no\n"
	"disable_plaintext_auth = no\n"
	"default_internal_user = @U\n"
	"default_internal_group = @G\n"
	"default_login_user = @U\n"
	"first_valid_uid = 0\n"
	"first_valid_gid = 0\n"
	"auth_mechanisms = oauthbearer xoauth2\n"
	"auth_username_format = %Lu\n"
	"auth_failure_delay = 0\n"
	"mail_location = maildir:@R/boxes/%Lu\n"
	"passdb {\n"
	"  driver = oauth2\n"
	"  mechanisms = oauthbearer xoauth2\n"
	"  args = @R/oauth2.conf\n"
	"}\n"
	"userdb {\n"
	"  driver = static\n"
	"  args = uid=@U gid=@G home=@R/boxes/%Lu\n"
	"}\n"
	"service imap-login {\n"
	"  chroot =\n"
	"  service_count = 0\n"
	"  process_min_avail = 1\n"
	"  inet_listener imap {\n"
	"    address = 127.0.0.1\n"
	"    port = @P\n"
	"  }\n"
	"  inet_listener imaps {\n"
	"    port = 0\n"
	"  }\n"
	"}\n"
	"service imap {\n"
	"  process_limit = 100\n"
	"}\n"
	"service anvil {\n"
	"  chroot =\n"
	"  unix_listener anvil-auth-penalty {\n"
	"    mode = 0\n"
	"  }\n"
	"}\n"
	"service stats {\n"
	"  chroot =\n"
	"}\n"
	"namespace inbox {\n"
	"  inbox = yes\n"
	"}\n";

static const char oauth2_conf[] = "# see contrib/dovecot/chancery-oauth2.conf.ext\n"
				  "introspection_mode = post\n"
				  "force_introspection = yes\n"
				  "active_attribute = active\n"
				  "active_value = true\n"
				  "username_attribute = username\n"
				  "username_format = %Lu\n"
				  "scope = mail.read\n"
				  "send_auth_headers = yes\n"
				  "timeout_msecs = 2000\n"
				  "max_parallel_connections = 32\n"
				  "introspection_url = ";

static const char welcome_1[] = "From: Chancery <chancery@localhost>\r\n"
				"To: ";
static const char welcome_2[] =
	"\r\n"
	"Date: Sun, 22 Nov 2026 12:00:00 +0000\r\n"
	"Message-ID: <welcome@chancery.localhost>\r\n"
	"Subject: Welcome\r\n"
	"Content-Type: text/plain; charset=utf-8\r\n"
	"\r\n"
	"You read this without a password: a token opened this mailbox.\r\n"
	"It names you, your realm and the audience `mail`, and it is good for\r\n"
	"minutes. Try it on somebody else's mailbox.\r\n";

static void put_value(struct wr *w, const struct mail_files *f, char which)
{
	if (which == 'R')
		wr_str(w, f->root);
	else if (which == 'S')
		wr_str(w, f->short_root);
	else if (which == 'U')
		wr_str(w, f->user);
	else if (which == 'G')
		wr_str(w, f->group);
	else if (which == 'P')
		wr_dec(w, f->port);
}

static void fill_in(struct wr *w, const struct mail_files *f, str text)
{
	while (text.p) {
		wr_str(w, str_cut(&text, '@'));
		if (text.n > 0)
			put_value(w, f, text.p[0]);
		text = text.p ? str_sub(text, 1, text.n) : text;
	}
}

static ch_err put_file(const struct mail_files *f, str name, const struct wr *w)
{
	struct path path;
	TRY(wr_done(w));
	TRY(path_join(&path, f->root, name, (str){ 0 }));
	return file_replace(AT_FDCWD, path.p, wr_bytes(w), OWNER_ONLY);
}

static ch_err write_configs(const struct mail_files *f)
{
	uint8_t room[FILE_MAX];
	struct wr w = wr_of(room, sizeof(room));
	fill_in(&w, f, (str){ dovecot_conf, sizeof(dovecot_conf) - 1 });
	TRY(put_file(f, LIT("dovecot.conf"), &w));
	w = wr_of(room, sizeof(room));
	wr_str(&w, (str){ oauth2_conf, sizeof(oauth2_conf) - 1 });
	wr_str(&w, f->wish->introspection_url);
	wr_char(&w, '\n');
	ch_err e = put_file(f, LIT("oauth2.conf"), &w);
	mem_wipe(room, sizeof(room));
	return e;
}

static ch_err make_folders(const struct path *box)
{
	static const char *const parts[] = { "cur", "new", "tmp" };
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		struct path part;
		TRY(path_join(&part, str_from_c(box->p), str_from_c(parts[i]), (str){ 0 }));
		TRY(dir_make(AT_FDCWD, part.p, FOLDER_MODE));
	}
	return CH_DONE;
}

static ch_err write_box(const struct mail_files *f, str user)
{
	uint8_t room[FILE_MAX];
	struct wr w = wr_of(room, sizeof(room));
	struct path box, mail;
	struct stat st = { 0 };
	if (!name_ok(user, NAME_CAP) && !str_has(user, '@'))
		return ch_fail(CH_E_SYNTAX, "no name for a mailbox", user.n);
	TRY(path_join(&box, f->root, LIT("boxes"), user));
	if (stat(box.p, &st) == 0)
		return CH_DONE;
	TRY(make_folders(&box));
	wr_str(&w, (str){ welcome_1, sizeof(welcome_1) - 1 });
	wr_str(&w, user);
	wr_str(&w, (str){ welcome_2, sizeof(welcome_2) - 1 });
	TRY(wr_done(&w));
	TRY(path_join(&mail, str_from_c(box.p), LIT("new"), LIT("1.welcome.localhost")));
	return file_create(AT_FDCWD, mail.p, wr_bytes(&w), OWNER_ONLY);
}

ch_err mail_files_write(const struct mail_files *f)
{
	TRY(write_configs(f));
	for (size_t i = 0; i < f->wish->n_users; i++)
		TRY(write_box(f, f->wish->users[i]));
	return CH_DONE;
}
