/* From method and path to the function that serves it. Paths are compared byte for
 * byte: what is not spelled as a route is spelled is not found. The first that fits serves. */
#include <string.h>

#include "base/rw.h"
#include "http_internal.h"

static const struct {
	const char *name;
	enum http_method method;
} methods[] = {
	{ MHD_HTTP_METHOD_GET, HTTP_GET },
	{ MHD_HTTP_METHOD_HEAD, HTTP_GET },
	{ MHD_HTTP_METHOD_POST, HTTP_POST },
};

static unsigned method_of(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(methods); i++)
		if (strcmp(methods[i].name, name) == 0)
			return methods[i].method;
	return 0;
}

static bool fits(str route, str path)
{
	if (str_ends(route, LIT("*")))
		return str_starts(path, str_sub(route, 0, route.n - 1));
	return str_eq(route, path);
}

static const struct http_route *route_find(const struct http *h, str path, unsigned method,
					   unsigned *ret_others)
{
	unsigned others = 0;
	for (size_t i = 0; i < h->n_routes; i++) {
		const struct http_route *route = &h->routes[i];
		if (!fits(route->path, path))
			continue;
		if (route->method == method)
			return route;
		others |= route->method;
	}
	*ret_others = others;
	return NULL;
}

static void answer_405(struct http_req *r, unsigned allowed)
{
	static const str text[4] = { LIT(""), LIT("GET, HEAD"), LIT("POST"),
				     LIT("GET, HEAD, POST") };
	static const str said = LIT("This address does not take this method.\n");
	const struct http_out allow = { LIT("Allow"), text[allowed & 3] };
	http_answer(r, &(struct http_answer){ .status = MHD_HTTP_METHOD_NOT_ALLOWED,
					      .type = LIT("text/plain; charset=utf-8"),
					      .body = bytes_of_str(said),
					      .fields = &allow,
					      .n_fields = 1 });
}

void route_serve(struct slot *s, const char *method)
{
	struct http_req *r = &s->req;
	unsigned asked = method_of(method);
	unsigned allowed = 0;
	const struct http_route *route = route_find(s->h, r->path, asked, &allowed);
	if (s->ambiguous) {
		http_answer_text(r, MHD_HTTP_BAD_REQUEST,
				 LIT("The header can be read in two ways.\n"));
	} else if (s->too_large) {
		http_answer_text(r, MHD_HTTP_CONTENT_TOO_LARGE, LIT("The body is too large.\n"));
	} else if (route) {
		r->method = (enum http_method)asked;
		s->route = route;
		route->serve(r, route->ctx);
	} else if (allowed) {
		answer_405(r, allowed);
	} else {
		http_answer_text(r, MHD_HTTP_NOT_FOUND, LIT("There is nothing at this address.\n"));
	}
}
