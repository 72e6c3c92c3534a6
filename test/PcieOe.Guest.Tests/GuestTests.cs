using System.Globalization;
using System.Text.Json.Nodes;
using PcieOe.Guest.Tests.Harness;
using Xunit;

namespace PcieOe.Guest.Tests;

/// <summary>
/// An unmodified Linux guest under stock QEMU uses a function of a target over raw Ethernet between two namespaces. Slow: a guest boots in
/// seconds, and its processors are emulated.
/// </summary>
[Trait("Category", "System")]
public sealed class GuestTests(ITestOutputHelper output)
{
    private const int BootSeconds = 120;

    private static bool IsSoak => Environment.GetEnvironmentVariable("PCIEOE_TEST_MODE") == "soak";

    [Fact]
    public void AdministratorsCommands_AreAnsweredSanely_AndTheKernelWarnsOfNothing()
    {
        JsonObject function = GuestLab.MemoryFunction("1GiB");
        function["namespaces"] = new JsonArray(new JsonObject { ["size"] = "512MiB" });
        using GuestLab lab = new([function]);
        Run(lab, "nvme-cli.sh", BootSeconds + 120);
    }

    [Fact]
    public void FileSystems_KeepATreeOfFiles()
    {
        using GuestLab lab = new([GuestLab.MemoryFunction("1GiB")]);
        Run(lab, "file-systems.sh", BootSeconds + 120, ["--file", $"{GuestRig.SampleTree}:tree"]);
    }

    /// <summary>1 GiB is moved: what is written is read back, and as much is read besides.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void VerifiedTraffic_OfSeveralJobs_IsIntact(bool mapsDoorbells)
    {
        using GuestLab lab = new([GuestLab.MemoryFunction("2GiB")]);
        Run(lab, "verify.sh", BootSeconds + 480, mapsDoorbells: mapsDoorbells, arguments: IsSoak ? "512" : mapsDoorbells ? "32" : "160");
    }

    [Fact]
    public void LinkCutForTenSeconds_UnderVerifiedTraffic_IsOutlived()
    {
        using GuestLab lab = new([GuestLab.MemoryFunction("1GiB")]);
        lab.StartTarget();
        string socket = lab.StartHost(0);
        using GuestRun guest = GuestLab.Boot("interrupted-verify.sh", socket, BootSeconds + 120, null, "CUT 10 JOIN 0", "25");

        guest.WaitFor("CUT");
        lab.SetLink(false);
        guest.WaitFor("JOIN");
        lab.SetLink(true);
        int seconds = Seconds(guest.WaitFor("ANSWERED"));

        Report(guest.WaitUntilDone());
        Assert.InRange(seconds, 0, 10);
        Assert.Equal(1, (long?)lab.Attachment(0)?["outages"]);
        Assert.Equal(0, (long?)lab.Attachment(0)?["sessions_lost"]);
    }

    /// <summary>Its driver looks when an I/O times out, after 30 s.</summary>
    [Fact]
    public void TargetKilledAndRestarted_UnderVerifiedTraffic_TheGuestRecoversByItself()
    {
        string medium = Path.Combine(Path.GetTempPath(), $"pcieoe-guest-medium-{Environment.ProcessId}");
        try
        {
            using GuestLab lab = new([GuestLab.FileFunction("1GiB", medium)]);
            lab.StartTarget();
            string socket = lab.StartHost(0);
            using GuestRun guest = GuestLab.Boot("interrupted-verify.sh", socket, BootSeconds + 240, null, "KILL 2 RESTART 0", "90");

            guest.WaitFor("KILL");
            lab.KillTarget();
            guest.WaitFor("RESTART");
            lab.StartTarget();
            int seconds = Seconds(guest.WaitFor("ANSWERED"));

            Report(guest.WaitUntilDone());
            output.WriteLine($"the device answered again after {seconds} s");
            Assert.InRange(seconds, 0, 60);
        }
        finally
        {
            File.Delete(medium);
        }
    }

    [Fact]
    public void DriverAndDevice_TakenApartTenTimesInEveryWay_ComeBackWithTheirData()
    {
        using GuestLab lab = new([GuestLab.MemoryFunction("1GiB")]);
        Run(lab, "resets.sh", BootSeconds + 480);
    }

    [Fact]
    public void Guest_RebootedTenTimes_FindsItsDevice()
    {
        using GuestLab lab = new([GuestLab.MemoryFunction("1GiB")]);
        Run(lab, "reboots.sh", 10 * BootSeconds, ["--allow-reboot"], arguments: "10");
    }

    [Fact]
    public void TwoGuests_OnTwoHostAgents_ShareATarget()
    {
        using GuestLab lab = new([GuestLab.MemoryFunction("2GiB"), GuestLab.MemoryFunction("2GiB")], isBridged: true);
        lab.StartTarget();
        string[] sockets = [lab.StartHost(0), lab.StartHost(1)];
        using GuestRun first = GuestLab.Boot("verify.sh", sockets[0], BootSeconds + 240, null, "32");
        using GuestRun second = GuestLab.Boot("verify.sh", sockets[1], BootSeconds + 240, null, "32");

        Report(first.WaitUntilDone());
        Report(second.WaitUntilDone());
    }

    /// <summary>Messages of the client are the counterpart of exits: trapped doorbells take two for each I/O, mapped ones none.</summary>
    [Fact]
    public void MappedDoorbells_TakeNoMessageForAnIo()
    {
        const int Ios = 4096;
        double trapped = MessagesPerIo(mapsDoorbells: false, Ios, out _);
        double mapped = MessagesPerIo(mapsDoorbells: true, Ios, out long doorbells);

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"messages for each I/O: {trapped:F3} trapped, {mapped:F3} mapped"));
        Assert.InRange(trapped, 1.5, 2.2);
        Assert.InRange(mapped, 0, 0.02);
        Assert.InRange(doorbells, Ios, 3 * Ios);
    }

    private double MessagesPerIo(bool mapsDoorbells, int ios, out long mappedDoorbells)
    {
        using GuestLab lab = new([GuestLab.MemoryFunction("1GiB")]);
        lab.StartTarget();
        using GuestRun guest = GuestLab.Boot("count-exits.sh", lab.StartHost(0, mapsDoorbells), BootSeconds + 240);
        guest.WaitFor("START");
        JsonNode before = lab.Attachment(0)!["vfio_user"]![0]!;
        guest.WaitFor("END");
        JsonNode after = lab.Attachment(0)!["vfio_user"]![0]!;
        Report(guest.WaitUntilDone());
        mappedDoorbells = Difference("doorbells_mapped");
        return (double)Difference("messages") / ios;

        long Difference(string counter) => (long)after[counter]! - (long)before[counter]!;
    }

    private void Run(GuestLab lab, string script, int timeoutSeconds, IEnumerable<string>? options = null, bool mapsDoorbells = false, params string[] arguments)
    {
        lab.StartTarget();
        using GuestRun guest = GuestLab.Boot(script, lab.StartHost(0, mapsDoorbells), timeoutSeconds, options, arguments);
        Report(guest.WaitUntilDone());
    }

    private void Report(IEnumerable<string> lines) => output.WriteLine(string.Join('\n', lines));

    private static int Seconds(string answered) => int.Parse(answered.Split(' ')[1], CultureInfo.InvariantCulture);
}
