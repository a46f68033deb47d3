#pragma once
// Where datad and its clients meet: a socket in a folder that is its user's alone. Folder and
// socket are checked through a descriptor of the folder, so what was checked is what is used, and
// the address fits however long the path is.

#include <stdbool.h>

#include "base/err.h"

enum { RENDEZVOUS_NAME_LIMIT = 64 };

struct rendezvous {
    const char *socket; // as the user wrote it; borrowed
    int folder_fd;
    char name[RENDEZVOUS_NAME_LIMIT + 1];     // of the socket in the folder
    char address[RENDEZVOUS_NAME_LIMIT + 40]; // for bind and connect
};

/// Opens the folder of socket, made (0700) when make. Errors: ERR_DENIED when it is a link, another
/// user's or open to others, ERR_GONE when it is not there, ERR_CONFIG for a path that cannot be
/// one, ERR_IO.
enum err rendezvous_open(const char *socket, bool make, struct rendezvous *out) MUST_CHECK;
void rendezvous_close(struct rendezvous *r);
/// Looks at what lies at the socket's place. *found false when nothing does. Errors: ERR_DENIED
/// when it is not a socket of this user.
enum err rendezvous_check(const struct rendezvous *r, bool *found) MUST_CHECK;
/// datad: keeps others from claiming a place in the folder until rendezvous_unlock; held while
/// datad looks for a live one, removes a dead one's socket and binds its own. Errors: ERR_IO when
/// somebody else holds it for LOCK_NS.
enum err rendezvous_lock(const struct rendezvous *r) MUST_CHECK;
void rendezvous_unlock(const struct rendezvous *r);
/// datad: the bound socket is the user's alone (0600). Errors: ERR_IO.
enum err rendezvous_restrict(const struct rendezvous *r) MUST_CHECK;
/// datad: removes the socket, its own or a dead one's. Can't fail.
void rendezvous_leave(const struct rendezvous *r);
