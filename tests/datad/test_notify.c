// Notifications reach the socket that NOTIFY_SOCKET names, by path or abstract; without one nothing
// happens.
#include "datad/notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/check.h"

static int bound(const struct sockaddr_un *address, size_t n_bytes)
{
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    CHECK(bind(fd, (const struct sockaddr *)address, (socklen_t)n_bytes) == 0);
    return fd;
}

static void check_arrives(int fd, const char *name)
{
    char text[64] = "";
    CHECK(setenv("NOTIFY_SOCKET", name, 1) == 0);
    notify_send("READY=1");
    CHECK(recv(fd, text, sizeof text - 1, 0) == 7);
    CHECK_TEXT(text, "READY=1");
    close(fd);
}

int main(void)
{
    struct sockaddr_un path = {.sun_family = AF_UNIX}, abstract = {.sun_family = AF_UNIX};
    char folder[] = "/tmp/test-notify-XXXXXX", name[sizeof path.sun_path];
    CHECK(unsetenv("NOTIFY_SOCKET") == 0);
    notify_send("READY=1");
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path.sun_path, sizeof path.sun_path, "%s/socket", folder);
    check_arrives(bound(&path, sizeof path), path.sun_path);
    unlink(path.sun_path);
    rmdir(folder);
    snprintf(name, sizeof name, "@weft-test-%ld", (long)getpid());
    memcpy(abstract.sun_path + 1, name + 1, strlen(name) - 1);
    check_arrives(bound(&abstract, offsetof(struct sockaddr_un, sun_path) + strlen(name)), name);
    CHECK(setenv("NOTIFY_SOCKET", "nowhere", 1) == 0);
    notify_send("READY=1"); // logged
    return 0;
}
