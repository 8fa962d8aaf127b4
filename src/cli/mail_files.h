/* The folder that Dovecot runs in: its configuration and mailboxes. */
#pragma once
#include "mail.h"

struct mail_files {
	const struct dev_mail_wish *wish;
	uint32_t port;
	str user, group; /* whom Dovecot runs as */
	str root;        /* DIR/mail, there and writable */
	str short_root;  /* the same, short enough for the names of sockets */
};

/* Writes all of it as who we are, which must be the user. A mailbox that is there
 * already stays as it is. */
ch_err mail_files_write(const struct mail_files *f);
