/* Reaching the registry of secrets in the crash handler's folder. */
#include "registry.h"

#include "base/file.h"
#include "base/path.h"
#include "wire/dump_settings.h"
#include "wire/registry.h"

ch_err registry_open(const char *state_or_null, int *ret_fd)
{
	struct path path;
	str state = state_or_null ? str_from_c(state_or_null) : LIT(DUMP_STATE_DEFAULT);
	TRY(path_join(&path, state, LIT(DUMP_SOCKET_REGISTRY), (str){ 0 }));
	return registry_connect(path.p, ret_fd);
}

ch_err registry_fingerprints(const char *state_or_null, int *ret_fd)
{
	static uint8_t room[MESSAGE_MAX];
	AUTO(fd_close) int fd = -1;
	struct registry_answer answer = { 0 };
	const struct registry_ask ask = { .kind = REGISTRY_SNAPSHOT };
	ch_err e = registry_open(state_or_null, &fd);
	if (ch_code_of(e) == CH_E_NOT_FOUND) {
		*ret_fd = -1;
		return CH_DONE;
	}
	TRY(e);
	return registry_tell(fd, &ask, room, &answer, ret_fd);
}
