"""Locks and thread-local values are the program's: as the import left them, and of this thread."""
# outcome: completed

import contextvars
import logging
import queue
import threading

held, free, again = threading.Lock(), threading.Lock(), threading.RLock()
held.acquire()
with free:
    pass
again.acquire()
event, items, local = threading.Event(), queue.Queue(), threading.local()
event.set()
items.put("at import")
local.value = "at import"
variable = contextvars.ContextVar("variable")
variable.set("at import")
handler = logging.StreamHandler()
handler.acquire()
main_thread = threading.main_thread()


def main():
    assert held.locked() and not held.acquire(timeout=0.01)
    held.release()
    assert free.acquire(blocking=False)
    # Reentrant for the thread that has it: this one.
    assert again.acquire(blocking=False)
    again.release(), again.release()
    handler.release()
    assert event.is_set() and items.get_nowait() == "at import"
    assert local.value == variable.get() == "at import"
    assert threading.current_thread() is main_thread is threading.main_thread()
    assert main_thread.ident == threading.get_ident() and threading.active_count() == 1
    assert threading.enumerate() == [main_thread]
    try:
        threading.Thread(target=print).start()
    except RuntimeError as error:
        assert "can't start new thread" in str(error)
    else:
        raise AssertionError("there are no threads")
