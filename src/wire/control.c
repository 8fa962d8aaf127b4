/* Control messages, both halves. */
#include "wire/control.h"

#include "wire/boot.h"

void control_write(struct wr *w, const struct control *c)
{
	wr_u8(w, (uint8_t)c->kind);
	wr_u8(w, WIRE_VERSION);
	wr_u32(w, c->pid);
	wr_u32(w, c->generation);
	wr_u32(w, c->code);
	wr_u64(w, c->detail);
	wr_str16(w, c->name);
	wr_bytes16(w, c->text);
}

ch_err control_read(bytes message, struct control *ret_c)
{
	struct rd r = rd_of(message);
	uint8_t kind = rd_u8(&r);
	uint8_t version = rd_u8(&r);
	struct control c = { .kind = (enum control_kind)kind };
	c.pid = rd_u32(&r);
	c.generation = rd_u32(&r);
	c.code = rd_u32(&r);
	c.detail = rd_u64(&r);
	c.name = rd_str16(&r, CONTROL_NAME_MAX);
	c.text = rd_bytes16(&r, CONTROL_TEXT_MAX);
	if (!rd_end(&r) || kind == 0 || kind >= CONTROL_KIND_COUNT || version != WIRE_VERSION)
		return ch_fail(CH_E_PROTOCOL, "a control message is not well formed", kind);
	*ret_c = c;
	return CH_DONE;
}

ch_err control_send(int fd, const struct control *c, const struct message_fds *fds_or_null)
{
	uint8_t room[CONTROL_MAX];
	struct wr w = wr_of(room, sizeof(room));
	control_write(&w, c);
	TRY(wr_done(&w));
	return channel_send(fd, wr_bytes(&w), fds_or_null);
}

ch_err control_recv(int fd, void *storage, struct control *ret_c,
		    struct message_fds *ret_fds_or_null)
{
	bytes message = { 0 };
	TRY(channel_recv(fd, storage, CONTROL_MAX, &message, ret_fds_or_null));
	ch_err e = control_read(message, ret_c);
	if (failed(e) && ret_fds_or_null)
		message_fds_done(ret_fds_or_null);
	return e;
}

ch_err control_ready(void)
{
	struct control c = { .kind = CONTROL_READY };
	return control_send(CONTROL_FD, &c, NULL);
}

void control_failed(ch_err why)
{
	struct control c = { .kind = CONTROL_FAILED,
			     .code = ch_code_of(why),
			     .detail = why.detail,
			     .text = why.site ? bytes_of_str(str_from_c(why.site->what))
					      : (bytes){ 0 } };
	/* if nobody listens any more, exiting says it too */
	(void)control_send(CONTROL_FD, &c, NULL);
}
