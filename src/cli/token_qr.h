/* An address as a picture that a telephone reads. */
#pragma once
#include "base/bytes.h"

/* On standard error, when that is a terminal that shows UTF-8; else nothing. Text beyond
 * visible ASCII, or too long for a small picture, shows nothing either. */
void qr_show(str text);
