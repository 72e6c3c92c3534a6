using PcieOe.FlashEndpoint.Media;
using PcieOe.FlashEndpoint.Tests.Harness;
using PcieOe.Protocol.Nvme;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Admin;

public sealed class AsynchronousEventTests : AdminTestBase
{
    private const uint InvalidRegister = 0x0001_0000;
    private const uint InvalidValue = 0x0001_0100;
    private const uint TemperatureEvent = 0x0002_0101;
    private const uint ReliabilityEvent = 0x0002_0001;

    [Fact]
    public void Request_WithoutAnEvent_WaitsForOne()
    {
        ushort id = Request();
        Harness.Settle();
        Assert.False(Harness.TryTake(Harness.Admin, out _));
        RingNowhere();
        CompletionEntry entry = Harness.Wait(Harness.Admin);
        Assert.Equal((id, InvalidRegister), (entry.CommandId, entry.Result));
    }

    [Fact]
    public void Event_WithoutARequest_WaitsForOne()
    {
        RingNowhere();
        Request();
        Assert.Equal(InvalidRegister, Harness.Wait(Harness.Admin).Result);
    }

    [Fact]
    public void EventType_OnceReported_IsMaskedUntilItsLogIsRead()
    {
        Request();
        RingNowhere();
        Assert.Equal(InvalidRegister, Harness.Wait(Harness.Admin).Result);
        Request();
        Harness.Write32(ControllerHarness.Bar0 + 0x1008, 60_000);
        Harness.Settle();
        Assert.False(Harness.TryTake(Harness.Admin, out _));

        Assert.Equal(NvmeStatus.Success, GetLog(LogPageId.ErrorInformation, 64, retain: true));
        Harness.Write32(ControllerHarness.Bar0 + 0x1008, 60_000);
        Harness.Settle();
        Assert.False(Harness.TryTake(Harness.Admin, out _));

        Assert.Equal(NvmeStatus.Success, GetLog(LogPageId.ErrorInformation, 64));
        Harness.Write32(ControllerHarness.Bar0 + 0x1008, 60_000);
        Assert.Equal(InvalidValue, Harness.Wait(Harness.Admin).Result);
    }

    [Fact]
    public void Event_NotYetReported_IsClearedWithItsLog()
    {
        RingNowhere();
        Assert.Equal(NvmeStatus.Success, GetLog(LogPageId.ErrorInformation, 64));
        Request();
        Harness.Settle();
        Assert.False(Harness.TryTake(Harness.Admin, out _));
        RingNowhere();
        Assert.Equal(InvalidRegister, Harness.Wait(Harness.Admin).Result);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void FaultOfTheMedium_IsAnnouncedOnceWhenWanted(bool isWantedBefore)
    {
        var media = new SlowMedia(1 << 20);
        using ControllerHarness harness = ControllerHarness.Ready(out TestQueue io, media: media);
        SubmissionEntry want = ControllerHarness.AdminEntry(AdminOpcode.SetFeatures) with { CommandDword10 = (uint)FeatureId.AsynchronousEventConfiguration, CommandDword11 = 1 << 2 };
        if (isWantedBefore)
        {
            Assert.Equal(NvmeStatus.Success, harness.RunAdmin(want).Status);
        }

        media.IsFaulted = true;
        media.Outcome = _ => MediaStatus.WriteError;
        for (int i = 0; i < 2; i++)
        {
            Assert.Equal(NvmeStatus.WriteFault, harness.Run(io, ControllerHarness.IoEntry(NvmOpcode.Flush)).Status);
        }

        if (!isWantedBefore)
        {
            Assert.Equal(NvmeStatus.Success, harness.RunAdmin(want).Status);
        }

        SubmissionEntry request = ControllerHarness.AdminEntry(AdminOpcode.AsynchronousEventRequest);
        harness.Submit(harness.Admin, request);
        Assert.Equal(ReliabilityEvent, harness.Wait(harness.Admin).Result);

        // Even after the log has been read it is no news.
        ulong page = harness.AllocatePages(1);
        Assert.Equal(NvmeStatus.Success, harness.RunAdmin(ControllerHarness.AdminEntry(AdminOpcode.GetLogPage) with { CommandDword10 = 127 << 16 | 2, Prp1 = page }).Status);
        Assert.Equal(1 << 2, harness.Host.Bytes(page, 1)[0]);
        harness.Submit(harness.Admin, request);
        Assert.Equal(NvmeStatus.WriteFault, harness.Run(io, ControllerHarness.IoEntry(NvmOpcode.Flush)).Status);
        harness.Settle();
        Assert.False(harness.TryTake(harness.Admin, out _));
    }

    [Fact]
    public void Requests_BeyondTheLimit_AreRefused()
    {
        for (int i = 0; i < 8; i++)
        {
            Request();
        }

        ushort ninth = Request();
        CompletionEntry entry = Harness.Wait(Harness.Admin);
        Assert.Equal((ninth, NvmeStatus.AsynchronousEventRequestLimitExceeded), (entry.CommandId, entry.Status));
    }

    [Fact]
    public void Requests_Parked_LeaveTheirPlacesInTheQueue()
    {
        using var harness = new ControllerHarness();
        harness.Enumerate();
        harness.Enable(entries: 4);
        for (int i = 0; i < 6; i++)
        {
            harness.Submit(harness.Admin, ControllerHarness.AdminEntry(AdminOpcode.AsynchronousEventRequest));
            harness.Settle();
        }

        Assert.Equal(NvmeStatus.Success, harness.RunAdmin(ControllerHarness.AdminEntry(AdminOpcode.KeepAlive)).Status);
    }

    [Fact]
    public void Event_WithTheCompletionQueueFull_WaitsForRoom()
    {
        using var harness = new ControllerHarness();
        harness.Enumerate();
        harness.Enable(entries: 4);
        harness.Submit(harness.Admin, ControllerHarness.AdminEntry(AdminOpcode.AsynchronousEventRequest));
        harness.Settle();
        for (int i = 0; i < 3; i++)
        {
            harness.Submit(harness.Admin, ControllerHarness.AdminEntry(AdminOpcode.KeepAlive));
            harness.Settle();
        }

        harness.Write32(ControllerHarness.Bar0 + 0x1000 + 7 * 8, 1);
        harness.Settle();
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(0u, harness.Wait(harness.Admin).Result);
        }

        Assert.Equal(InvalidRegister, harness.Wait(harness.Admin).Result);
    }

    [Fact]
    public void Temperature_OverItsThreshold_IsAnnouncedWhenWanted()
    {
        Request();
        Assert.Equal(NvmeStatus.Success, SetFeature(FeatureId.TemperatureThreshold, 300).Status);
        Harness.Settle();
        Assert.Equal(NvmeStatus.Success, SetFeature(FeatureId.AsynchronousEventConfiguration, 2).Status);
        Harness.Submit(Harness.Admin, Entry(AdminOpcode.SetFeatures, (uint)FeatureId.TemperatureThreshold, 301, 0));
        uint[] results = [Harness.Wait(Harness.Admin).Result, Harness.Wait(Harness.Admin).Result];
        Assert.Contains(TemperatureEvent, results);
        Assert.Equal(NvmeStatus.Success, GetLog(LogPageId.SmartHealth, 512));
        Assert.Equal(1 << 1, Data<SmartLog>().CriticalWarning);
    }

    [Fact]
    public void Requests_OverAReset_AreForgotten()
    {
        Request();
        Harness.Settle();
        Harness.Write32(ControllerHarness.Bar0 + NvmeRegister.Configuration, 0);
        Assert.True(Harness.Function.IsIdle);
        Harness.Enable();
        RingNowhere();
        Harness.Settle();
        Assert.False(Harness.TryTake(Harness.Admin, out _));
    }

    private ushort Request() => Harness.Submit(Harness.Admin, ControllerHarness.AdminEntry(AdminOpcode.AsynchronousEventRequest));

    private void RingNowhere() => Harness.Write32(ControllerHarness.Bar0 + 0x1000 + 7 * 8, 1);
}
