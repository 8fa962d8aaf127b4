/* What the supervisor and the roles tell each other: one shape of message for all,
 * of which each kind uses some fields.
 *
 *   u8 kind  u8 version  u32 pid  u32 generation  u32 code  u64 detail
 *   str16 name  bytes16 text */
#pragma once
#include "base/rw.h"
#include "wire/channel.h"

enum control_kind {
	/* any role → supervisor */
	CONTROL_READY = 1, /* sandboxed and serving */
	CONTROL_FAILED,    /* code, detail, text: why it cannot serve; it exits then */
	/* supervisor → warden */
	CONTROL_HOLD, /* pid, name; fds: status page, key socket of the new signer */
	/* warden → supervisor */
	CONTROL_HELD,    /* pid: seized, its key is on the way: let it go on */
	CONTROL_CRASHED, /* pid, code = signal, text = the report */
	CONTROL_ENDED,   /* pid, code = wait status */
	/* keeper → warden, warden → signer; fd: secret memory, detail = its size */
	CONTROL_KEY,
	/* supervisor → issuer; name = realm, generation; fd: socket to a new signer */
	CONTROL_ATTACH,
	/* issuer → supervisor; name = realm, generation: requests from now on go there */
	CONTROL_ATTACHED,
	/* supervisor → any role: finish what is under way and exit; detail: for so many
	 * milliseconds connections of a gate that say nothing may stay */
	CONTROL_STOP,
	/* keeper → cli; name = kid, text = sealed key file / public JWK */
	CONTROL_SEALED,
	CONTROL_PUBLIC,
	/* supervisor → the one who started it; name = role, pid */
	CONTROL_UP,
	CONTROL_DOWN,
	/* cli → supervisor at DIR/run/control: new generation of signers, for group `name`;
	 * answered by READY or FAILED */
	CONTROL_RENEW,
	/* cli → gate that waits: its turn has come */
	CONTROL_SERVE,
	/* cli → supervisor at DIR/run/control → issuer of group `name`, with the supervisor's own
	 * number as generation: put what is due in the store into the chains of revocations now */
	CONTROL_REVOKE,
	/* issuer → supervisor; generation as it was asked: it is in them (code 0), or code, detail
	 * and text why not. The cli gets READY or FAILED */
	CONTROL_REVOKED,
	/* collector → supervisor; name = realm, text = the alarm's id: have `key compromise` look at
	 * it, whose rules decide */
	CONTROL_COMPROMISE,
	/* supervisor → collector; text = the alarm's id, code = its exit status, or
	 * COMPROMISE_AGAIN: it was not begun, ask again in a while */
	CONTROL_COMPROMISED,
	CONTROL_KIND_COUNT
};

struct control {
	enum control_kind kind;
	uint32_t pid;
	uint32_t generation;
	uint32_t code;
	uint64_t detail;
	str name;   /* at most 128 bytes */
	bytes text; /* at most 32 KiB */
};

enum { COMPROMISE_AGAIN = 1000 };
enum { CONTROL_NAME_MAX = 128, CONTROL_TEXT_MAX = 32 * 1024, CONTROL_MAX = 33 * 1024 };

/* Appends the message; w (CONTROL_MAX bytes) turns full when a field is too long. */
void control_write(struct wr *w, const struct control *c);
/* E_PROTOCOL for an unknown kind or version. */
ch_err control_read(bytes message, struct control *ret_c);
/* Encodes and sends. */
ch_err control_send(int fd, const struct control *c, const struct message_fds *fds_or_null);
/* Receives and decodes; name and text point into storage (CONTROL_MAX bytes). */
ch_err control_recv(int fd, void *storage, struct control *ret_c,
		    struct message_fds *ret_fds_or_null);

/* The two sentences every role can say; READY or FAILED on CONTROL_FD. */
ch_err control_ready(void);
void control_failed(ch_err why);
