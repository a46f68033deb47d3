#pragma once
// Tells the service manager that started datad how it is doing: systemd's notification protocol, a
// datagram to the socket that NOTIFY_SOCKET names. Without that variable nothing happens.

/// state is "READY=1", "RELOADING=1", "STOPPING=1" or "STATUS=words"; several are joined by
/// newlines. Failures are logged, for no batch depends on it. Local.
void notify_send(const char *state);
