/* `chancery log witness`: makes a witness (a folder with its key), or becomes the program that is
 * one. The key is a file of 32 bytes that only its owner reads: whoever starts a witness without
 * a person there to ask must have what opens the key beside it anyhow, so a passphrase of ours
 * would protect it from nobody. Where the machine has a TPM, systemd can seal the file
 * (LoadCredentialEncrypted=, contrib/systemd). The file is opened here and read by the program
 * alone. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "commands.h"
#include "config/config.h"
#include "crypto/key.h"
#include "libexec.h"
#include "listen.h"
#include "log.h"
#include "merkle/note.h"
#include "options.h"
#include "owner.h"
#include "sandbox/spawn.h"
#include "say.h"
#include "wire/boot.h"

static const char usage[] =
	"usage: chancery log witness --init DIR --name NAME [--listen HOST:PORT]\n"
	"       chancery log witness DIR [--key-file F] [--check]\n"
	"\n"
	"A witness cosigns the heads of logs, each only if it goes on from the last one it saw: "
	"who\n"
	"asks for its cosignature cannot be shown another log than others are. It answers\n"
	"POST /add-checkpoint as https://c2sp.org/tlog-witness says, and remembers what it signed\n"
	"in DIR/state, on the disk before it answers. Its logs are in DIR/witness.yaml.\n"
	"\n"
	"  --init DIR         make one: DIR/witness.yaml, its key DIR/key, DIR/vkey, which is\n"
	"                     printed: it is for those who rely on the witness\n"
	"  --name NAME        its name, for good: a host and path of yours, without a scheme\n"
	"  --listen HOST:PORT what witness.yaml shall say (127.0.0.1:8086)\n"
	"  --key-file F       the key elsewhere, such as in $CREDENTIALS_DIRECTORY\n"
	"  --check            only say whether DIR is good\n"
	"\n"
	"Started by root, it becomes the owner of DIR/state, who must not be root.\n";

struct wish {
	const char *init, *name, *listen, *dir, *key_file;
	bool check;
};

/* --- making one --- */

static ch_err key_make(int dir, const char *name, struct wr *vkey)
{
	AUTO(private_key_done) struct private_key *key = NULL;
	AUTO(secret_done) struct secret *seed = NULL;
	struct key_parts parts = { 0 };
	struct note_key public = { 0 };
	TRY(private_key_generate(ALG_EDDSA, &key));
	TRY(private_key_public(key, &parts));
	TRY(note_key_make(str_from_c(name), NOTE_COSIGNATURE, parts.x, &public));
	TRY(private_key_export(key, &seed));
	AUTO(fd_close) int fd = openat(dir, "key", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		return ch_fail(CH_E_EXISTS, "there is a witness already", 0);
	if (fd < 0)
		return ch_fail(CH_E_IO, "cannot make the key's file", errno);
	TRY(secret_write(seed, fd));
	if (fsync(fd) != 0)
		return ch_fail(CH_E_IO, "cannot write the key", errno);
	vkey_write(vkey, &public);
	return wr_done(vkey);
}

static ch_err make_in(int dir, const struct wish *w, struct wr *vkey)
{
	uint8_t room[2048];
	struct wr yaml = wr_of(room, sizeof(room));
	TRY(key_make(dir, w->name, vkey));
	TRY(dir_make(dir, "state", 0700));
	witness_file_write(&yaml, str_from_c(w->name),
			   w->listen ? str_from_c(w->listen) : LIT("127.0.0.1:8086"));
	TRY(wr_done(&yaml));
	TRY(file_create(dir, "witness.yaml", wr_bytes(&yaml), 0644));
	wr_char(vkey, '\n');
	return file_create(dir, "vkey", wr_bytes(vkey), 0644);
}

static int make(const struct wish *w)
{
	char room[NOTE_VKEY_MAX + 2];
	struct wr vkey = wr_of(room, sizeof(room));
	ch_err e = crypto_init(NULL);
	if (!failed(e) && !note_name_ok(str_from_c(w->name)))
		return command_wrong(usage, "--name: no blank, no '+', and not empty");
	if (!failed(e))
		e = dir_make(AT_FDCWD, w->init, 0755);
	AUTO(fd_close) int dir = failed(e) ? -1 : open(w->init, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!failed(e) && dir < 0)
		e = ch_fail(CH_E_IO, "cannot open the folder", errno);
	if (!failed(e))
		e = make_in(dir, w, &vkey);
	if (ch_code_of(e) == CH_E_EXISTS) {
		say("log witness: there is a witness already", str_from_c(w->init));
		return EXIT_NO;
	}
	if (failed(e))
		return say_trouble("log witness: cannot make one", str_from_c(w->init), e);
	(void)printf("%.*s", (int)vkey.n, room);
	return EXIT_YES;
}

/* --- becoming one --- */

struct start {
	struct witness_file file;
	struct config_text *text;
	int boot, listen, monitor, state, key, program;
};

static void start_done(struct start *s)
{
	int *all[] = { &s->boot, &s->listen, &s->monitor, &s->state, &s->key, &s->program };
	for (size_t i = 0; i < COUNT_OF(all); i++)
		fd_close(all[i]);
	config_text_free(s->text);
}

static void bytes_done(uint8_t **p)
{
	free(*p);
}

static int read_file(const struct wish *w, struct start *s)
{
	uint8_t room[CONFIG_WHY_MAX];
	struct wr why = wr_of(room, sizeof(room));
	AUTO(bytes_done) uint8_t *yaml = NULL;
	struct path path;
	size_t n = 0;
	ch_err e = path_join(&path, str_from_c(w->dir), LIT("witness.yaml"), (str){ 0 });
	if (!failed(e))
		e = file_read_new(AT_FDCWD, path.p, CONFIG_FILE_MAX, &yaml, &n);
	if (failed(e))
		return say_trouble("log witness: cannot read witness.yaml of", str_from_c(w->dir),
				   e);
	e = witness_file_parse(str_from_c(path.p), (bytes){ yaml, n }, &why, &s->file, &s->text);
	if (!failed(e))
		return EXIT_YES;
	(void)fprintf(stderr, "%.*s\n", (int)why.n, (const char *)why.p);
	return EXIT_TROUBLE;
}

static int check_logs(const struct start *s)
{
	struct note_key k;
	for (size_t i = 0; i < s->file.config.n_logs; i++) {
		str vkey = s->file.config.logs[i].vkey;
		ch_err e = vkey_read(vkey, &k);
		if (!failed(e) && k.type != NOTE_ED25519)
			e = ch_fail(CH_E_UNSUPPORTED, "a log's key is Ed25519, type 1", k.type);
		if (failed(e))
			return say_trouble("log witness: no key of a log", vkey, e);
	}
	if (s->file.config.n_logs == 0)
		say("log witness: it knows no log yet, and will cosign none; name their keys in",
		    LIT("witness.yaml"));
	return EXIT_YES;
}

static ch_err open_at(const char *folder, const char *name, int flags, int *ret_fd)
{
	struct path path;
	TRY(path_join(&path, str_from_c(folder), str_from_c(name), (str){ 0 }));
	*ret_fd = open(path.p, flags | O_CLOEXEC | O_NOCTTY);
	return *ret_fd >= 0 ? CH_DONE : ch_fail(CH_E_IO, "cannot open it", errno);
}

static int open_own(const struct wish *w, struct start *s)
{
	struct stat st = { 0 };
	ch_err e = open_at(w->dir, "state", O_RDONLY | O_DIRECTORY, &s->state);
	if (failed(e))
		return say_trouble("log witness: state of", str_from_c(w->dir), e);
	e = w->key_file ? open_at("", w->key_file, O_RDONLY, &s->key)
			: open_at(w->dir, "key", O_RDONLY, &s->key);
	if (!failed(e) && fstat(s->key, &st) != 0)
		e = ch_fail(CH_E_IO, "cannot look at it", errno);
	if (!failed(e) && (st.st_mode & (S_IRWXO | S_IWGRP)))
		e = ch_fail(CH_E_DENIED, "others may read it: chmod 600", st.st_mode & 0777);
	if (failed(e))
		return say_trouble("log witness: its key",
				   str_from_c(w->key_file ? w->key_file : w->dir), e);
	return EXIT_YES;
}

static ch_err open_program(int *ret_fd)
{
	struct path folder, program;
	TRY(libexec_folder(&folder));
	TRY(path_join(&program, str_from_c(folder.p), LIT("witness"), (str){ 0 }));
	return spawn_open(program.p, ret_fd);
}

static ch_err become(struct start *s)
{
	static uint8_t room[64 * 1024];
	struct wr w = wr_of(room, sizeof(room));
	witness_config_write(&w, &s->file.config);
	TRY(wr_done(&w));
	TRY(open_program(&s->program));
	TRY(listen_tcp(s->file.host, s->file.port, &s->listen, &s->file.port));
	if (s->file.config.has_monitor)
		TRY(listen_tcp(s->file.monitor_host, s->file.monitor_port, &s->monitor,
			       &s->file.monitor_port));
	TRY(boot_make(LIT("witness"), wr_bytes(&w), &s->boot));
	TRY(owner_become(s->state));
	const struct spawn spawn = { .program = s->program,
				     .name = "chancery-witness",
				     .gate = -1,
				     .fds = { s->boot, -1, s->listen, s->state, s->key,
					      s->monitor },
				     .n_fds = s->file.config.has_monitor ? 6 : 5 };
	return spawn_become(&spawn);
}

static int serve(const struct wish *w)
{
	AUTO(start_done) struct start s = {
		.boot = -1, .listen = -1, .monitor = -1, .state = -1, .key = -1, .program = -1
	};
	int r = read_file(w, &s);
	if (r == EXIT_YES)
		r = check_logs(&s);
	if (r == EXIT_YES)
		r = open_own(w, &s);
	if (r != EXIT_YES || w->check)
		return r;
	return say_trouble("log witness: cannot serve", str_from_c(w->dir), become(&s));
}

int log_witness(int argc, char **argv)
{
	struct wish w = { 0 };
	const struct option_spec specs[] = {
		{ .name = "--init", .value = &w.init },
		{ .name = "--name", .value = &w.name },
		{ .name = "--listen", .value = &w.listen },
		{ .name = "--key-file", .value = &w.key_file },
		{ .name = "--check", .flag = &w.check },
		{ .value = &w.dir },
	};
	if (options_help(argc, argv))
		return command_usage(usage, true);
	if (!options_read(argc, argv, 1, specs, COUNT_OF(specs)))
		return command_usage(usage, false);
	if (w.init && w.name && !w.dir && !w.key_file && !w.check)
		return make(&w);
	if (w.init || w.name || w.listen || !w.dir)
		return command_wrong(usage, "give DIR, or --init DIR and --name NAME");
	return serve(&w);
}
