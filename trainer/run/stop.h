#pragma once
// Being asked to end: USR1, TERM, INT or HUP make the step that is under way the last one (it is
// saved, exit code 75). A second TERM, INT or HUP ends the process at once.

#include <stdbool.h>

/// Listens from now on. Signals that are ignored (nohup) stay so. Called once, before anything that
/// takes long. Local.
void stop_listen(void);
/// Whether a signal came. Local.
bool stop_wanted(void);
