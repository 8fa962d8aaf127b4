/* Inside fetch. */
#pragma once
#include <curl/curl.h>

#include "fetch/fetch.h"

struct fetch {
	CURL *curl;
};
