/* Where the role programs are. */
#pragma once
#include "base/path.h"

/* The folder libexec/chancery beside the running program (as in the build folder), or
 * beside the folder it is in (PREFIX/bin, wherever that was unpacked), or, if there is
 * none, the one that was chosen when it was built. Absolute. */
ch_err libexec_folder(struct path *ret_path);
/* The program that runs, by the name that it, or what an upgrade has put in its place, has. */
ch_err program_itself(struct path *ret_path);
