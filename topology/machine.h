#pragma once
// A machine as hwloc sees it, cut down to what placement needs: NUMA nodes that have cores, and
// those cores in one row, node by node.

#include <hwloc.h>

#include "base/arena.h"
#include "base/err.h"

struct machine_node {
    int os_index;
    size_t n_cores;
    unsigned long memory_bytes;
    hwloc_obj_t package; // NULL when hwloc knows none
};

struct machine {
    hwloc_topology_t topology;
    size_t n_nodes, n_cores;
    struct machine_node *nodes; // [n_nodes]
    hwloc_obj_t *cores;         // [n_cores] in the order of nodes
    struct arena arena;
};

/// description: hwloc synthetic string, XML file (contains '/' or ends in .xml), or NULL = this
/// machine. Of this machine, only the CPUs that this process may use are there. Ends with
/// machine_close. Local. Errors: ERR_USAGE (description), ERR_IO (this machine).
enum err machine_open(const char *description, struct machine *out) MUST_CHECK;
void machine_close(struct machine *m);
