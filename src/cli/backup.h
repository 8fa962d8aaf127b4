/* What backup and restore agree on: names in the archive are paths below DIR. */
#pragma once
#include "base/bytes.h"

/* Verifier keys of the logs that an authority had before it was restored, KEYID.vkey each. */
#define FORMER_LOGS "former-logs"

/* alarms/ID/FILE, of the collector: src/collector/evidence.c */
enum { ALARM_FILES = 6 };
extern const str alarm_files[ALARM_FILES];
/* 32 small hex digits. */
bool alarm_id_ok(str id);
/* "collector/GATE/signed/N.chain", "collector/GATE/unsigned/N.chain", "alarms/ID/FILE". */
bool reported_name_ok(str name);
