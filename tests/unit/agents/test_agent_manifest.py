import pytest

from caxton_node.agents.manifest import MODULE_BYTES_MAX, Manifest, check_module_size
from caxton_node.core.errors import InvalidArgument

pytestmark = pytest.mark.story("003")


def test_a_name_gets_its_tenant_and_an_empty_version_its_default():
    manifest = Manifest("echo", version="")
    assert (manifest.name, manifest.version) == ("default/echo", "1.0.0")


@pytest.mark.parametrize("name", ["", "Echo", "a b", "-echo", "a/b/c", "x" * 64, "../etc", "é"])
def test_a_name_that_cannot_be_an_address_is_refused(name):
    with pytest.raises(InvalidArgument, match="is not a"):
        Manifest(name)


@pytest.mark.parametrize("name", ["ams", "df", "kv", "tool:fetch", "client~1", "acme/df"])
def test_the_names_of_platform_agents_are_reserved(name):
    with pytest.raises(InvalidArgument, match="reserved"):
        Manifest(name)


@pytest.mark.parametrize("version", ["1 0", "/", "x" * 65, ".1", "1@2", "1#2"])
def test_a_version_that_would_break_an_instance_name_is_refused(version):
    with pytest.raises(InvalidArgument, match="is not a version"):
        Manifest("echo", version=version)


def test_a_config_that_is_not_json_or_too_large_is_refused():
    with pytest.raises(InvalidArgument, match="not JSON"):
        Manifest("echo", config={"when": object()})
    with pytest.raises(InvalidArgument, match="bytes as JSON"):
        Manifest("echo", config={"text": "x" * 70_000})


def test_capabilities_are_counted_and_checked():
    assert Manifest("echo", capabilities=("text.upper", "a:b/c-d_e")).capabilities
    with pytest.raises(InvalidArgument, match="is not a capability"):
        Manifest("echo", capabilities=("two words",))
    with pytest.raises(InvalidArgument, match="at most 256"):
        Manifest("echo", capabilities=tuple(f"c{number}" for number in range(257)))


@pytest.mark.parametrize(
    ("module", "says"), [(b"", "empty"), (bytes(MODULE_BYTES_MAX + 1), "52,428,801 bytes")]
)
def test_a_module_of_a_hopeless_size_is_refused_before_it_is_read(module, says):
    with pytest.raises(InvalidArgument, match=says):
        check_module_size(module)
