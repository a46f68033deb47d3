#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "tests/check.h"

static char folder[] = "/tmp/weft-test-file-XXXXXX";

static const char *at(struct arena *a, const char *name)
{
    return arena_printf(a, "%s/%s", folder, name);
}

static void check_content(struct arena *a, const char *path, const char *expected)
{
    struct span bytes;
    CHECK_OK(file_read(path, 1000, a, &bytes));
    CHECK_TEXT((const char *)bytes.data, expected);
    CHECK(bytes.n_bytes == strlen(expected));
}

static void test_read(struct arena *a)
{
    const char *path = at(a, "numbers");
    struct span bytes = {0};
    int fd;
    CHECK_OK(file_replace(path, "0123456789", 10));
    check_content(a, path, "0123456789");
    CHECK_OK(file_read(path, 10, a, &bytes));
    CHECK_ERR(file_read(path, 9, a, &bytes), ERR_DATA);
    CHECK_LINE(arena_printf(a, "%s: 10 bytes, more than the limit of 9", path));
    CHECK_ERR(file_read(at(a, "absent"), 9, a, &bytes), ERR_IO);
    CHECK_LINE(arena_printf(a, "open %s/absent: No such file or directory", folder));
    CHECK_ERR(file_read(folder, 9999, a, &bytes), ERR_IO);
    CHECK_LINE(arena_printf(a, "read %s: Is a directory", folder));
    CHECK_OK(file_read("/proc/self/maps", 1 << 24, a, &bytes)); // says that it has 0 bytes
    CHECK(bytes.n_bytes > 0 && bytes.data[bytes.n_bytes] == 0);
    CHECK_ERR(file_read("/proc/self/maps", 100, a, &bytes), ERR_DATA);

    char part[4] = {0};
    uint64_t n_bytes;
    CHECK_OK(file_open_read(path, &fd));
    CHECK_OK(file_pread(fd, path, part, 3, 4));
    CHECK_TEXT(part, "456");
    CHECK_ERR(file_pread(fd, path, part, 4, 8), ERR_DATA);
    CHECK_LINE(arena_printf(a, "read %s: file ends at byte 10, wanted 4 bytes at 8", path));
    CHECK_OK(file_size(fd, path, &n_bytes));
    CHECK(n_bytes == 10);
    CHECK_OK(file_close(fd, path));
    CHECK_ERR(file_close(fd, path), ERR_IO);
}

static void test_read_large(struct arena *a)
{
    size_t n_bytes = 3 << 20;
    char *data = arena_alloc(a, n_bytes, 1);
    for (size_t i = 0; i < n_bytes; i++)
        data[i] = (char)(i * 31 % 251);
    const char *path = at(a, "large");
    CHECK_OK(file_replace(path, data, n_bytes));
    struct span bytes;
    CHECK_OK(file_read(path, n_bytes, a, &bytes));
    CHECK(bytes.n_bytes == n_bytes && memcmp(bytes.data, data, n_bytes) == 0);
    CHECK(bytes.data[n_bytes] == 0);
}

static void test_create(struct arena *a)
{
    const char *path = at(a, "new");
    int fd;
    CHECK_OK(file_create(path, &fd));
    CHECK_OK(file_write(fd, path, "abc", 3));
    CHECK_OK(file_write(fd, path, "de", 2));
    CHECK_OK(file_fsync(fd, path));
    CHECK_OK(file_close(fd, path));
    check_content(a, path, "abcde");
    CHECK_ERR(file_create(path, &fd), ERR_IO);
    CHECK_LINE(arena_printf(a, "create %s: File exists", path));
    CHECK_OK(file_rename(path, at(a, "renamed")));
    CHECK(!file_exists(path) && file_exists(at(a, "renamed")));
}

static void test_disk_full(struct arena *a)
{
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    if (fd < 0) return; // not every container has it
    (void)a;
    CHECK_ERR(file_write(fd, "/dev/full", "x", 1), ERR_IO);
    CHECK_LINE("write /dev/full: No space left on device");
    close(fd);
}

static void test_folders(struct arena *a)
{
    CHECK_OK(file_make_folders(at(a, "tree/b/c")));
    CHECK_OK(file_make_folders(at(a, "tree/b/c/")));
    CHECK_OK(file_make_folders(at(a, "tree/a")));
    CHECK_OK(file_replace(at(a, "tree/B"), "", 0));
    CHECK_OK(file_replace(at(a, "outside"), "kept", 4));
    CHECK(symlink(folder, at(a, "tree/b/link")) == 0);
    struct file_list list;
    CHECK_OK(file_list(at(a, "tree"), a, &list));
    CHECK(list.n_names == 3);
    CHECK_TEXT(list.names[0], "B");
    CHECK_TEXT(list.names[1], "a");
    CHECK_TEXT(list.names[2], "b");
    CHECK_OK(file_list(at(a, "tree/a"), a, &list));
    CHECK(list.n_names == 0);
    CHECK_ERR(file_list(at(a, "absent"), a, &list), ERR_IO);
    CHECK(file_is_folder(at(a, "tree")) && !file_is_folder(at(a, "tree/B")));
    CHECK_ERR(file_make_folders(at(a, "tree/B/x")), ERR_IO);
    CHECK_LINE(arena_printf(a, "make folder %s/tree/B: File exists", folder));
    CHECK_OK(file_remove_tree(at(a, "tree")));
    CHECK(!file_exists(at(a, "tree")));
    check_content(a, at(a, "outside"), "kept");
    CHECK_OK(file_remove_tree(at(a, "tree")));
    CHECK_OK(file_remove_tree(at(a, "outside")));
}

static int n_open_descriptors(void)
{
    int n = 0;
    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static enum err whole_life(struct arena *a)
{
    struct span bytes;
    struct file_list list;
    TRY(file_make_folders(at(a, "walk/deep")));
    TRY(file_replace(at(a, "walk/deep/file"), "content", 7));
    TRY(file_read(at(a, "walk/deep/file"), 100, a, &bytes));
    TRY(file_list(at(a, "walk/deep"), a, &list));
    return file_remove_tree(at(a, "walk"));
}

// Fails every site in turn, once and for ever: always one line and no descriptor lost.
static void test_fault_walk(struct arena *a, bool for_ever)
{
    int n_before = n_open_descriptors(), n_failures = 0;
    for (uint64_t k = 1;; k++) {
        CHECK(k < 100);
        fault_arm("*", k, FAULT_ENOSPC, for_ever);
        enum err e = whole_life(a);
        bool survived = fault_count() < k;
        fault_disarm();
        CHECK(n_open_descriptors() == n_before);
        if (survived) {
            CHECK_OK(e);
            break;
        }
        n_failures++;
        if (!for_ever && e == OK) continue; // mkdir of a folder that is already there
        CHECK(e == ERR_IO && strstr(err_line(), "No space left on device") != NULL);
        CHECK_OK(file_remove_tree(at(a, "walk")));
    }
    CHECK(n_failures >= 15);
}

// A replacement that fails or is killed at any site leaves the old bytes or the new, and the next
// one works.
static void test_replace_is_atomic(struct arena *a, enum fault_action action)
{
    const char *path = at(a, "atomic");
    int n_old = 0, n_new = 0;
    for (uint64_t k = 1;; k++) {
        CHECK_OK(file_replace(path, "old", 3));
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            fault_arm("*", k, action, false);
            enum err e = file_replace(path, "newer", 5);
            _exit(fault_count() < k ? 3 : e != OK);
        }
        int status;
        CHECK(waitpid(child, &status, 0) == child);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 3) break;
        CHECK(action == FAULT_KILL ? WIFSIGNALED(status) : WEXITSTATUS(status) == 1);
        struct span bytes;
        CHECK_OK(file_read(path, 100, a, &bytes));
        bool is_old = strcmp((const char *)bytes.data, "old") == 0;
        CHECK(is_old || strcmp((const char *)bytes.data, "newer") == 0);
        n_old += is_old;
        n_new += !is_old;
        CHECK(action == FAULT_KILL || !file_exists(at(a, "atomic.tmp")));
    }
    check_content(a, path, "newer");
    CHECK(n_old == 5 &&
          n_new == 2); // create write fsync close rename | open and fsync of the folder
}

static void test_environment(void)
{
    static const char *const bad[] = {"x",
                                      "file_write",
                                      "file_write:1",
                                      "file_write:0:eio",
                                      "a:1:boom",
                                      "a:1:eio:x",
                                      "a::eio",
                                      ":1:eio",
                                      "a:1++:eio",
                                      "a:99999999999999999999:eio"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        setenv("WEFT_FAULT", bad[i], 1);
        CHECK_ERR(fault_arm_from_environment(), ERR_USAGE);
    }
    setenv("WEFT_FAULT", "file_write:2+:enospc", 1);
    CHECK_OK(fault_arm_from_environment());
    CHECK(!fault_hit("file_read") && !fault_hit("file_write"));
    CHECK(fault_hit("file_write") && errno == ENOSPC);
    CHECK(fault_hit("file_write") && fault_count() == 3);
    fault_disarm();
    CHECK(!fault_hit("file_write"));
    unsetenv("WEFT_FAULT");
    CHECK_OK(fault_arm_from_environment());
    CHECK(!fault_hit("file_write"));
}

int main(void)
{
    struct arena a;
    arena_init(&a, "test");
    CHECK(mkdtemp(folder) != NULL);
    test_read(&a);
    test_read_large(&a);
    test_create(&a);
    test_disk_full(&a);
    test_folders(&a);
    test_fault_walk(&a, false);
    test_fault_walk(&a, true);
    test_replace_is_atomic(&a, FAULT_EIO);
    test_replace_is_atomic(&a, FAULT_KILL);
    test_environment();
    CHECK_OK(file_remove_tree(folder));
    arena_fini(&a);
    return 0;
}
