#include "topology/machine.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

static bool is_file(const char *description)
{
    const size_t n = strlen(description);
    return strchr(description, '/') != NULL || (n > 4 && strcmp(description + n - 4, ".xml") == 0);
}

static enum err load(hwloc_topology_t topology, const char *description)
{
    if (description != NULL && is_file(description)) {
        if (hwloc_topology_set_xml(topology, description) != 0)
            return fail(ERR_USAGE, "machine file %s: %s", description, strerror(errno));
    } else if (description != NULL) {
        if (hwloc_topology_set_synthetic(topology, description) != 0)
            return fail(ERR_USAGE, "machine '%s': not an hwloc synthetic description", description);
    }
    if (hwloc_topology_load(topology) == 0) return OK;
    if (description == NULL) return fail(ERR_IO, "hwloc finds no topology: %s", strerror(errno));
    return fail(ERR_USAGE, "machine '%s': hwloc cannot load it", description);
}

static enum err restrict_to_own(hwloc_topology_t topology)
{
    hwloc_bitmap_t own = hwloc_bitmap_alloc();
    if (own == NULL) return fail(ERR_MEMORY, "hwloc bitmap");
    const bool ok = hwloc_get_cpubind(topology, own, HWLOC_CPUBIND_PROCESS) == 0 &&
                    hwloc_topology_restrict(topology, own, HWLOC_RESTRICT_FLAG_REMOVE_CPULESS) == 0;
    const int cause = errno;
    hwloc_bitmap_free(own);
    return ok ? OK : fail(ERR_IO, "cores of this process: %s", strerror(cause));
}

// Cores are objects of type core, or what lies below where a machine tells of none.
static int core_depth(hwloc_topology_t topology)
{
    return hwloc_get_type_or_below_depth(topology, HWLOC_OBJ_CORE);
}

// A node counts when it has cores that no earlier node has (a second memory on the same cores does
// not).
static bool is_new(const struct machine *m, hwloc_obj_t node)
{
    const int n =
        hwloc_get_nbobjs_inside_cpuset_by_depth(m->topology, node->cpuset, core_depth(m->topology));
    if (n <= 0) return false;
    for (size_t i = 0; i < m->n_cores; i++)
        if (hwloc_bitmap_intersects(m->cores[i]->cpuset, node->cpuset)) return false;
    return true;
}

static void add_cores(struct machine *m, hwloc_const_cpuset_t cpus, struct machine_node *out)
{
    const int depth = core_depth(m->topology);
    hwloc_obj_t core = NULL;
    while ((core = hwloc_get_next_obj_inside_cpuset_by_depth(m->topology, cpus, depth, core)) !=
           NULL) {
        m->cores[m->n_cores++] = core;
        out->n_cores++;
    }
}

static void add_node(struct machine *m, hwloc_obj_t node)
{
    struct machine_node *out = &m->nodes[m->n_nodes++];
    out->os_index = (int)node->os_index;
    out->memory_bytes = (unsigned long)node->attr->numanode.local_memory;
    out->package = hwloc_get_ancestor_obj_by_type(m->topology, HWLOC_OBJ_PACKAGE, node);
    add_cores(m, node->cpuset, out);
}

static void list(struct machine *m)
{
    const int n_nodes = hwloc_get_nbobjs_by_type(m->topology, HWLOC_OBJ_NUMANODE);
    const int n_cores = hwloc_get_nbobjs_by_depth(m->topology, core_depth(m->topology));
    m->nodes = ARENA_ARRAY(&m->arena, struct machine_node, (size_t)n_nodes + 1);
    m->cores = ARENA_ARRAY(&m->arena, hwloc_obj_t, (size_t)n_cores + 1);
    hwloc_obj_t node = NULL;
    while ((node = hwloc_get_next_obj_by_type(m->topology, HWLOC_OBJ_NUMANODE, node)) != NULL)
        if (is_new(m, node)) add_node(m, node);
}

// Where the kernel knows a single node, all memory is that node's, though the node's own count may
// fall short (seen on a virtual machine: 4.8 of 23.5 GiB).
static void count_all_memory(struct machine *m)
{
    const bool single = hwloc_bitmap_weight(hwloc_topology_get_complete_nodeset(m->topology)) == 1;
    const long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
    if (!single || m->n_nodes != 1 || pages <= 0 || page_bytes <= 0) return;
    const unsigned long n_bytes = (unsigned long)pages * (unsigned long)page_bytes;
    if (n_bytes > m->nodes[0].memory_bytes) m->nodes[0].memory_bytes = n_bytes;
}

enum err machine_open(const char *description, struct machine *out)
{
    struct machine m = {0};
    if (hwloc_topology_init(&m.topology) != 0)
        return fail(ERR_MEMORY, "hwloc: %s", strerror(errno));
    enum err e = load(m.topology, description);
    if (e == OK && description == NULL) e = restrict_to_own(m.topology);
    if (e != OK) {
        hwloc_topology_destroy(m.topology);
        return e;
    }
    arena_init(&m.arena, "machine");
    list(&m);
    if (hwloc_topology_is_thissystem(m.topology)) count_all_memory(&m);
    if (m.n_cores == 0) {
        machine_close(&m);
        return fail(ERR_USAGE, "machine '%s' has no cores", description ? description : "this");
    }
    *out = m;
    return OK;
}

void machine_close(struct machine *m)
{
    hwloc_topology_destroy(m->topology);
    arena_fini(&m->arena);
}
