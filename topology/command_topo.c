// weft topo show|place: the machine in space, and where ranks would go on it.

#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cli.h"
#include "topology/machine.h"
#include "topology/place.h"

enum { RANKS_LIMIT = 1024 };
static const char MACHINE_HELP[] = "hwloc synthetic string or XML file instead of this machine";

static double gib(unsigned long n_bytes)
{
    return (double)n_bytes / (1 << 30);
}

static enum err print_json(json_t *object)
{
    const int failed = json_dumpf(object, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
    json_decref(object);
    printf("\n");
    return failed ? fail(ERR_IO, "write standard output") : OK;
}

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

// CPUs of node i's cores: "0-3,64-67".
static void print_cpus(const struct machine *m, size_t first_core, size_t n_cores, char out[128])
{
    hwloc_bitmap_t cpus = hwloc_bitmap_alloc();
    ASSERT(cpus != NULL);
    for (size_t i = first_core; i < first_core + n_cores; i++)
        hwloc_bitmap_or(cpus, cpus, m->cores[i]->cpuset);
    hwloc_bitmap_list_snprintf(out, 128, cpus);
    hwloc_bitmap_free(cpus);
}

static void show_text(const struct machine *m)
{
    unsigned long memory_bytes = 0;
    for (size_t i = 0; i < m->n_nodes; i++)
        memory_bytes += m->nodes[i].memory_bytes;
    const int n_packages = hwloc_get_nbobjs_by_type(m->topology, HWLOC_OBJ_PACKAGE);
    printf("machine: %d package%s, %zu NUMA node%s, %zu core%s, %.1f GiB\n", n_packages,
           plural((size_t)n_packages), m->n_nodes, plural(m->n_nodes), m->n_cores,
           plural(m->n_cores), gib(memory_bytes));
    hwloc_obj_t package = NULL;
    for (size_t i = 0, core = 0; i < m->n_nodes; core += m->nodes[i++].n_cores) {
        const struct machine_node *node = &m->nodes[i];
        char cpus[128];
        print_cpus(m, core, node->n_cores, cpus);
        if (node->package != package && node->package != NULL)
            printf("  package %u\n", node->package->logical_index);
        package = node->package;
        printf("    numa %d: %zu core%s (cpus %s), %.1f GiB\n", node->os_index, node->n_cores,
               plural(node->n_cores), cpus, gib(node->memory_bytes));
    }
}

static json_t *show_object(const struct machine *m)
{
    json_t *nodes = json_array();
    for (size_t i = 0, core = 0; i < m->n_nodes; core += m->nodes[i++].n_cores) {
        const struct machine_node *node = &m->nodes[i];
        char cpus[128];
        print_cpus(m, core, node->n_cores, cpus);
        json_array_append_new(
            nodes, json_pack("{s:i, s:i, s:I, s:s, s:I}", "numa", node->os_index, "package",
                             node->package != NULL ? (int)node->package->logical_index : -1,
                             "cores", (json_int_t)node->n_cores, "cpus", cpus, "memory_bytes",
                             (json_int_t)node->memory_bytes));
    }
    return json_pack("{s:I, s:o}", "cores", (json_int_t)m->n_cores, "numa_nodes", nodes);
}

static enum err show(int argc, char **argv)
{
    const char *machine = NULL;
    bool json = false;
    const struct cli_option options[] = {
        {"machine", 'm', CLI_TEXT, &machine, "MACHINE", MACHINE_HELP},
        {"json", 0, CLI_FLAG, &json, NULL, "print JSON"}};
    const struct cli_usage usage = {.synopsis = "weft topo show [--machine MACHINE] [--json]",
                                    .summary = "show packages, NUMA nodes, cores and memory",
                                    .example =
                                        "weft topo show --machine 'pack:2 numa:4 core:8 pu:2'",
                                    .options = options,
                                    .n_options = sizeof options / sizeof options[0]};
    char **operands = NULL;
    size_t n_operands = 0;
    TRY(cli_parse(argc, argv, &usage, &operands, &n_operands));
    struct machine m;
    TRY(machine_open(machine, &m));
    enum err e = OK;
    if (json)
        e = print_json(show_object(&m));
    else
        show_text(&m);
    machine_close(&m);
    return e;
}

static json_t *place_object(const struct place *places, size_t n_ranks)
{
    json_t *list = json_array();
    for (size_t r = 0; r < n_ranks; r++)
        json_array_append_new(
            list, json_pack("{s:I, s:I, s:s, s:s, s:i, s:I, s:b, s:s}", "local_rank", (json_int_t)r,
                            "cores", (json_int_t)places[r].n_cores, "cpus", places[r].cores, "numa",
                            places[r].numa, "numa_node", places[r].numa_node, "memory_bytes",
                            (json_int_t)places[r].memory_bytes, "bound", places[r].bound, "why_not",
                            places[r].why_not));
    return json_pack("{s:o}", "ranks", list);
}

static enum err place_all(const char *machine, size_t n_ranks, bool json, struct arena *a)
{
    struct place *places = ARENA_ARRAY(a, struct place, n_ranks);
    const char **hosts = ARENA_ARRAY(a, const char *, n_ranks);
    char host[64] = "-";
    if (machine == NULL && gethostname(host, sizeof host - 1) != 0)
        snprintf(host, sizeof host, "?");
    for (size_t r = 0; r < n_ranks; r++) {
        TRY(place_compute(machine, (int)r, (int)n_ranks, &places[r]));
        hosts[r] = host;
    }
    if (json) return print_json(place_object(places, n_ranks));
    fputs(place_table(places, hosts, n_ranks, a), stdout);
    return OK;
}

static enum err place(int argc, char **argv)
{
    const char *machine = NULL;
    uint64_t n_ranks = 0;
    bool json = false;
    const struct cli_option options[] = {
        {"ranks", 'n', CLI_U64, &n_ranks, "RANKS", "ranks of one node"},
        {"machine", 'm', CLI_TEXT, &machine, "MACHINE", MACHINE_HELP},
        {"json", 0, CLI_FLAG, &json, NULL, "print JSON"}};
    const struct cli_usage usage = {
        .synopsis = "weft topo place -n RANKS [--machine MACHINE] [--json]",
        .summary = "say which cores and memory each rank of a node gets",
        .example = "weft topo place -n 8",
        .options = options,
        .n_options = sizeof options / sizeof options[0]};
    char **operands = NULL;
    size_t n_operands = 0;
    TRY(cli_parse(argc, argv, &usage, &operands, &n_operands));
    if (n_ranks < 1 || n_ranks > RANKS_LIMIT)
        return fail(ERR_USAGE, "place: -n RANKS is missing or not in 1..%d", RANKS_LIMIT);
    struct arena a;
    arena_init(&a, "place");
    enum err e = place_all(machine, n_ranks, json, &a);
    arena_fini(&a);
    return e;
}

CLI_COMMAND(topo)
{
    static const struct cli_command commands[] = {
        {"show", show, "packages, NUMA nodes, cores and memory"},
        {"place", place, "which cores and memory each rank gets"}};
    return cli_dispatch(argc, argv, "weft topo", commands, sizeof commands / sizeof commands[0]);
}
