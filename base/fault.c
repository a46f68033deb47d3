#include "base/fault.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SITE_BYTES = 64 };

// Process-wide, because the sites are: a test or main arms, all threads hit.
static atomic_bool armed;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    char site[SITE_BYTES];
    uint64_t k, n_hits;
    enum fault_action action;
    bool for_ever;
} plan; // guarded by lock

static bool plan_fails_now(const char *site)
{
    if (strcmp(plan.site, "*") != 0 && strcmp(plan.site, site) != 0) return false;
    plan.n_hits++;
    return plan.n_hits == plan.k || (plan.for_ever && plan.n_hits > plan.k);
}

bool fault_hit(const char *site)
{
    if (!atomic_load_explicit(&armed, memory_order_relaxed)) return false;
    pthread_mutex_lock(&lock);
    bool fails = plan_fails_now(site);
    enum fault_action action = plan.action;
    pthread_mutex_unlock(&lock);
    if (!fails) return false;
    if (action == FAULT_KILL) raise(SIGKILL);
    errno = action == FAULT_ENOSPC ? ENOSPC : EIO;
    return true;
}

void fault_arm(const char *site, uint64_t k, enum fault_action action, bool for_ever)
{
    ASSERT(strlen(site) < SITE_BYTES && k > 0);
    pthread_mutex_lock(&lock);
    snprintf(plan.site, sizeof plan.site, "%s", site);
    plan.k = k;
    plan.n_hits = 0;
    plan.action = action;
    plan.for_ever = for_ever;
    pthread_mutex_unlock(&lock);
    atomic_store(&armed, true);
}

void fault_disarm(void)
{
    atomic_store(&armed, false);
}

uint64_t fault_count(void)
{
    pthread_mutex_lock(&lock);
    uint64_t n_hits = plan.n_hits;
    pthread_mutex_unlock(&lock);
    return n_hits;
}

static bool action_parse(const char *text, enum fault_action *action)
{
    static const char *const names[] = {
        [FAULT_EIO] = "eio", [FAULT_ENOSPC] = "enospc", [FAULT_KILL] = "kill"};
    for (int i = 0; i < (int)(sizeof names / sizeof names[0]); i++) {
        if (strcmp(text, names[i]) != 0) continue;
        *action = (enum fault_action)i;
        return true;
    }
    return false;
}

enum err fault_arm_from_environment(void)
{
    const char *text = getenv("WEFT_FAULT");
    if (text == NULL || *text == '\0') return OK;
    char site[SITE_BYTES], count[24], action_name[8], extra;
    enum fault_action action;
    if (sscanf(text, "%63[^:]:%23[0-9+]:%7[a-z]%c", site, count, action_name, &extra) != 3 ||
        !action_parse(action_name, &action))
        return fail(ERR_USAGE, "WEFT_FAULT=%s: expected site:k:action, action eio, enospc or kill",
                    text);
    char *end;
    errno = 0;
    uint64_t k = strtoull(count, &end, 10);
    bool for_ever = *end == '+';
    if (errno != 0 || k == 0 || end == count || end[for_ever] != '\0')
        return fail(ERR_USAGE, "WEFT_FAULT=%s: k must be a number from 1, with + for all later",
                    text);
    fault_arm(site, k, action, for_ever);
    return OK;
}
