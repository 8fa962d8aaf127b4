/* Lists in one text. Pure: it copies nothing but what it writes. */
#include "codec/list.h"

str list_cut(str *list)
{
	str item = { 0 };
	do
		item = str_cut(list, ' ');
	while (item.n == 0 && list->n > 0);
	return item;
}

bool list_has(str list, str item)
{
	while (list.n > 0)
		if (str_eq(list_cut(&list), item) && item.n > 0)
			return true;
	return false;
}

void list_put(struct wr *w, str item)
{
	if (item.n == 0 || list_has(wr_text(w), item))
		return;
	if (w->n > 0)
		wr_char(w, ' ');
	wr_str(w, item);
}
