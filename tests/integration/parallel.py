"""Many sessions whose messages end at the same moment."""

import threading
import time

from letter import letter
from milter_client import MilterClient


def judge_all(mx, count, zone_of, then=None, message_of=None):
    """One message in each of so many sessions, each with a domain of its own; `zone_of` gives the
    zone of a number and its domain, `message_of` the message if it is not just a letter. `then`
    is called once each waits for its DMARC record.

    Returns domain, seconds that the end of the message took, and verdict of each.
    """
    results, failures = [], []
    messages = [letter(sender=f"a@d{n}.example") if message_of is None
                else message_of(n, f"d{n}.example") for n in range(count)]
    gate = threading.Barrier(count)

    def session(number):
        domain = f"d{number}.example"
        with MilterClient(mx.milter(), timeout=120) as client:
            client.connect("192.0.2.1")
            client.helo("mail.example.com")
            client.mail(f"a@{domain}")
            client.rcpt("user@example.org")
            client.content(messages[number], f"ID{number}")
            gate.wait(60)
            began = time.monotonic()
            verdict = client.end(f"ID{number}")
            results.append((domain, time.monotonic() - began, verdict))

    def work(number):
        try:
            session(number)
        except Exception as error:  # a thread has nobody else to tell
            failures.append((number, error))
            gate.abort()

    zone = {}
    for number in range(count):
        zone.update(zone_of(number, f"d{number}.example"))
    mx.dns.load(zone)
    threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(count)]
    for thread in threads:
        thread.start()
    if then is not None:
        for number in range(count):
            mx.dns.wait_for_question(f"_dmarc.d{number}.example")
        then()
    for thread in threads:
        thread.join(120)
    assert not failures and len(results) == count, failures
    return results
