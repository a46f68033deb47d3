#include "datad/notify.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"

/// A path, or an abstract name that begins with @. Returns the length for sendto, 0 for neither.
static socklen_t fill_address(const char *name, struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    const size_t n = strlen(name);
    if ((name[0] != '/' && name[0] != '@') || n >= sizeof address->sun_path) return 0;
    memcpy(address->sun_path, name, n);
    if (name[0] == '@') address->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
}

void notify_send(const char *state)
{
    const char *name = getenv("NOTIFY_SOCKET");
    if (name == NULL || *name == '\0') return;
    struct sockaddr_un address;
    const socklen_t n_bytes = fill_address(name, &address);
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const bool sent = n_bytes > 0 && fd >= 0 &&
                      sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT,
                             (const struct sockaddr *)&address, n_bytes) >= 0;
    if (!sent) log_line("datad: cannot notify %s: %s", name, strerror(errno));
    if (fd >= 0) close(fd);
}
