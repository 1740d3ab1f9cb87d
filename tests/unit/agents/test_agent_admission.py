import pytest

from caxton_node.agents.admission import Admission, Quota
from caxton_node.agents.manifest import Manifest
from caxton_node.core.errors import AlreadyExists, ResourceLimit
from caxton_node.runtime import Limits

pytestmark = pytest.mark.story("016")
MIB = 1024 * 1024


def manifest(name: str, mib: int = 1) -> Manifest:
    return Manifest(name, limits=Limits(memory_bytes=mib * MIB))


class ByTenant:
    """Quotas of two tenants."""

    def of_tenant(self, tenant: str) -> Quota:
        return {"small": Quota(memory_bytes=2 * MIB, agents=5), "few": Quota(agents=1)}.get(tenant, Quota())


def admit(admission: Admission, wanted: Manifest) -> None:
    with admission.reserve(wanted):
        pass


def test_the_refusal_shows_the_sum():
    admission = Admission("n1", Quota(memory_bytes=3 * MIB))
    admit(admission, manifest("a", 2))
    with pytest.raises(ResourceLimit) as caught:
        admit(admission, manifest("b", 2))
    assert caught.value.why == (
        "2,097,152 of 3,145,728 bytes are promised, it asks for 2,097,152, 1,048,576 too many"
    )
    admit(admission, manifest("b", 1))


def test_a_deployment_that_fails_gives_its_promise_back():
    admission = Admission("n1", Quota(memory_bytes=2 * MIB))
    with pytest.raises(RuntimeError), admission.reserve(manifest("a", 2)):
        raise RuntimeError("it did not start")
    admit(admission, manifest("a", 2))
    admission.release("default/a")
    admit(admission, manifest("b", 2))


def test_a_name_is_taken_while_it_is_deployed_and_afterwards():
    admission = Admission("n1", Quota())
    with admission.reserve(manifest("a")), pytest.raises(AlreadyExists):
        admit(admission, manifest("a"))
    with pytest.raises(AlreadyExists, match="caxton agent update a"):
        admit(admission, manifest("default/a"))


def test_the_number_of_agents_is_bounded():
    admission = Admission("n1", Quota(agents=2))
    admit(admission, manifest("a"))
    admit(admission, manifest("b"))
    with pytest.raises(ResourceLimit, match="2 of 2 agents are there"):
        admit(admission, manifest("c"))


def test_a_tenant_is_held_to_its_own_quota_and_disturbs_no_other():
    admission = Admission("n1", Quota(memory_bytes=10 * MIB), ByTenant())
    admit(admission, manifest("small/a", 2))
    with pytest.raises(ResourceLimit, match="does not fit on tenant small"):
        admit(admission, manifest("small/b", 1))
    admit(admission, manifest("few/a", 1))
    with pytest.raises(ResourceLimit, match="one too many for tenant few"):
        admit(admission, manifest("few/b", 1))
    admit(admission, manifest("other/a", 7))


def test_a_change_is_asked_for_what_it_adds():
    admission = Admission("n1", Quota(memory_bytes=4 * MIB))
    admit(admission, manifest("a", 2))
    with admission.exchange("default/a", 4 * MIB, side_by_side=False):
        pass
    with pytest.raises(ResourceLimit), admission.exchange("default/a", 5 * MIB, side_by_side=False):
        pass
    with admission.exchange("default/a", 1 * MIB, side_by_side=False):
        pass
    admit(admission, manifest("b", 3))


def test_versions_side_by_side_must_both_fit_until_the_old_one_has_gone():
    admission = Admission("n1", Quota(memory_bytes=4 * MIB))
    admit(admission, manifest("a", 2))
    with admission.exchange("default/a", 2 * MIB, side_by_side=True), pytest.raises(ResourceLimit):
        admit(admission, manifest("b", 1))
    admit(admission, manifest("b", 2))
    with pytest.raises(ResourceLimit), admission.exchange("default/a", 1 * MIB, side_by_side=True):
        pass


def test_what_was_here_before_a_restart_is_not_asked():
    admission = Admission("n1", Quota(memory_bytes=1 * MIB))
    admission.take("default/a", 5 * MIB)
    with pytest.raises(ResourceLimit):
        admit(admission, manifest("b", 1))
