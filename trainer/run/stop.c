#include "trainer/run/stop.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t n_stops;

static void on_stop(int signal_number)
{
    if (n_stops > 0 && signal_number != SIGUSR1) { // a launcher sends USR1 more than once
        signal(signal_number, SIG_DFL);
        raise(signal_number); // comes when this returns
    }
    n_stops = 1;
}

void stop_listen(void)
{
    struct sigaction action = {.sa_handler = on_stop, .sa_flags = SA_RESTART};
    const int signals[] = {SIGUSR1, SIGTERM, SIGINT, SIGHUP};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        struct sigaction before;
        if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL);
    }
}

bool stop_wanted(void)
{
    return n_stops > 0;
}
