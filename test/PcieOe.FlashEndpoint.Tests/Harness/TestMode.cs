namespace PcieOe.FlashEndpoint.Tests.Harness;

/// <summary>How much a test may do: test.sh says so by PCIEOE_TEST_MODE.</summary>
internal static class TestMode
{
    /// <summary>The count for quick, full (also where nothing is said) or soak runs.</summary>
    public static int Scale(int quick, int full, int soak) => Environment.GetEnvironmentVariable("PCIEOE_TEST_MODE") switch
    {
        "quick" => quick,
        "soak" => soak,
        _ => full,
    };
}
