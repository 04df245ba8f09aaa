// Package job runs work that must outlive a request and a process: unpacking an
// upload, fetching from a URL, launching, delivering a notification.
//
//	Queue.Add ─▶ queued ─▶ running ─▶ succeeded | failed | cancelled
//	                ▲         │
//	                └─────────┘  to be tried again, or its process stopped
//
// A job is a row of a [Store]. [Queue.Run] claims rows for a bounded number of
// workers of each kind, renews its claims by a heartbeat, and takes over what a
// process that died has left as soon as that claim runs out, which is a matter of
// seconds however long the work takes. Every claim has a fence, a number that
// grows with each claim of the row: who has lost a claim can write nothing of the
// job any more, and its context is cancelled before another can begin. Handlers that
// end within seconds then do not run twice at once, and those of one process never do,
// but they may run again: they must do only what is left.
//
// Claims run out by the clock of the machine, so that processes on several
// machines need clocks that agree to about a second. A clock that is put forward by
// more than a claim holds lets other processes take jobs over that are being worked
// at: their old handlers are cancelled with the next beat.
package job
