"""The cost of a test file besides time: a test that uses a processor makes every other test wait."""
import resource


def pytest_terminal_summary(terminalreporter):
    spent = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    terminalreporter.write_line(f"processor time: {sum(used.ru_utime + used.ru_stime for used in spent):.0f} s, of it by what it started {spent[1].ru_utime + spent[1].ru_stime:.0f} s")
