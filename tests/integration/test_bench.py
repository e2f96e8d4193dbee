"""The benchmark's corpus and its report: they must not rot between one measurement and the next."""

import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path += [str(HERE.parent / "bench"), str(HERE.parent / "differential")]

import corpus  # noqa: E402
import report  # noqa: E402
from bench_tools import Tools  # noqa: E402
from daemon import Daemon  # noqa: E402

BENCH = HERE.parent / "bench"


def test_every_kind_of_message_is_judged_as_it_was_made(programs, folder):
    """Two of each kind, the second one with all answers in the cache."""
    tools = Tools(str(pathlib.Path(programs.truefromd).parent), programs.patience)
    made = corpus.write(f"{folder}/corpus", "each", 2 * len(corpus.MIX))
    with tools.dns(f"{folder}/corpus/zone") as server:
        daemon = Daemon(programs, folder, {
            "socket": f"unix:{folder}/s", "user": "", "authserv_id": "mx.example.org",
            "dns": {"servers": [server.server]}})
        daemon.start()
        seen = tools.load(f"{folder}/corpus", f"unix:{folder}/s", connections=4,
                          verdicts=f"{folder}/verdicts")
        daemon.close()
    assert pathlib.Path(f"{folder}/verdicts").read_text(encoding="ascii") == ""
    assert seen["messages"] == made["messages"] == seen["agreement"]["line"]["agreed"]
    assert seen["agreement"]["dkim"]["agreed"] > seen["agreement"]["dkim"]["not_said"]


def test_the_same_seed_gives_the_same_corpus(folder):
    """To the octet; another seed another one."""
    def octets(name, seed):
        corpus.write(f"{folder}/{name}", "mixed", 20, seed)
        return {path.name: path.read_bytes() for path in pathlib.Path(folder, name).iterdir()}
    one = octets("one", 1)
    assert len(one) == 23 and octets("two", 1) == one and octets("three", 2) != one


def test_results_are_those_that_were_measured():
    """RESULTS.md is what the report makes of results.json and RESULTS.in.md."""
    results = json.loads((BENCH / "results.json").read_text(encoding="utf-8"))
    assert (BENCH / "RESULTS.md").read_text(encoding="utf-8") == report.page(results, BENCH)
    assert "\n" + report.aligned(report.table(results)).partition("\n")[2] in report.text(results)
