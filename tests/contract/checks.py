"""Schemathesis loads these checks besides its own: the answers that an API like ours may give although no schema can describe them. The exceptions are
narrow: by code."""
import schemathesis
from schemathesis.core.failures import Failure
from schemathesis.specs.openapi.checks import positive_data_acceptance, use_after_free

# The host may refuse a request that fits its schema for these reasons. Any other refusal means that the document is wrong.
BEYOND_A_SCHEMA = {
    "PAGE_TOKEN_INVALID",   # a token is opaque, and only the host knows it
    "PAGE_TOKEN_MISMATCH",
    "ETAG_MISMATCH",        # the same holds for an entity tag
    "IDEMPOTENCY_KEY_REUSED",
    "RETAIN_NOT_SUPPORTED",  # decided by the engine of this instance
    "VERB_UNSUPPORTED",      # the same
    "FINAL_BACKUP_NOT_RETAINED",  # two parameters contradict each other
    "NOTHING_TO_PLAN",  # a parameter and the body
}
# The engine judges parameters, the backup and the sizes; what a source names is there or not, and so are a drill's backup, its target, and somebody to run its checks.
JUDGED = ("/parameters", "/backup", "/instances", "/storage", "/memory", "/cpu", "/source", "/target", "/checks")
# A name that begins with a digit, the joint length of organization and project, and the type of a source that is of another one.
NAMES = {"NAME_TOO_LONG", "INVALID_NAME", "SOURCE_DIFFERS"}


def problem(response):
    if "problem+json" not in (response.headers.get("content-type") or [""])[0]:
        return {}
    return response.json()


def is_beyond_a_schema(refusal):
    if refusal.get("code") in BEYOND_A_SCHEMA:
        return True
    errors = refusal.get("errors", [])
    return bool(errors) and all(e["pointer"].startswith(JUDGED) or e["code"] in NAMES for e in errors)


@schemathesis.check
def accepts_what_it_allows(ctx, response, case):
    """positive_data_acceptance, except for what only the host can know."""
    try:
        return positive_data_acceptance(ctx, response, case)
    except Failure:
        if not is_beyond_a_schema(problem(response)):
            raise


@schemathesis.check
def says_what_is_deleted(ctx, response, case):
    """use_after_free: a delete takes its time, and a deleted instance can still be read, but its state says that it is gone."""
    try:
        return use_after_free(ctx, response, case)
    except Failure:
        shown = response.json()
        if "items" in shown:
            return  # a list is still there when a member of it is not
        if shown.get("kind") != "Instance" or shown["status"]["state"] not in ("DELETING", "DELETED"):
            raise


@schemathesis.check
def refuses_with_a_declared_reason(ctx, response, case):
    """The code of a refusal is among the reasons that the document declares for its status, or it is an engine's own."""
    refusal = problem(response)
    if not refusal or response.status_code in (404, 405):  # a generated path may belong to nobody
        return
    declared = case.operation.definition.raw["responses"].get(str(response.status_code), {}).get("x-slipway-reasons", [])
    assert refusal["code"] in declared or "engine" in refusal, f"{refusal['code']} is not among {declared}"


@schemathesis.hook
def before_call(ctx, case, kwargs):
    """A granted long poll waits as long as it was asked to, so we send only short ones."""
    seconds = (case.query or {}).get("waitSeconds")
    if isinstance(seconds, int) and 1 < seconds <= 60 or str(seconds).isdigit() and 1 < int(seconds) <= 60:
        case.query["waitSeconds"] = 1
