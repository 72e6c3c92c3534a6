using PcieOe.FlashEndpoint.Tests.Harness;
using PcieOe.Protocol.Nvme;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Admin;

public sealed class FeatureTests : AdminTestBase
{
    public FeatureTests()
        : base(media: new SlowMedia(1 << 20))
    {
    }

    [Theory]
    [InlineData(FeatureId.Arbitration, 0x0102_0307u, 4u)]
    [InlineData(FeatureId.PowerManagement, 0u, 0u)]
    [InlineData(FeatureId.TemperatureThreshold, 350u, 343u)]
    [InlineData(FeatureId.ErrorRecovery, 0x1234u, 0u)]
    [InlineData(FeatureId.VolatileWriteCache, 0u, 1u)]
    [InlineData(FeatureId.InterruptCoalescing, 0x0A05u, 0u)]
    [InlineData(FeatureId.WriteAtomicityNormal, 1u, 0u)]
    [InlineData(FeatureId.AsynchronousEventConfiguration, 0x1FFu, 0u)]
    [InlineData(FeatureId.KeepAliveTimer, 60_000u, 0u)]
    [InlineData(FeatureId.SoftwareProgressMarker, 3u, 0u)]
    public void Feature_Set_ReadsBackBesideItsDefault(FeatureId feature, uint value, uint initial)
    {
        Assert.Equal(initial, GetFeature(feature).Result);
        Assert.Equal(NvmeStatus.Success, SetFeature(feature, value).Status);
        Assert.Equal(value, GetFeature(feature).Result);
        Assert.Equal(initial, GetFeature(feature, select: 1).Result);
        Assert.Equal(initial, GetFeature(feature, select: 2).Result);
        Assert.Equal(feature == FeatureId.PowerManagement ? 0u : 4u, GetFeature(feature, select: 3).Result);
    }

    [Theory]
    [InlineData(FeatureId.PowerManagement, 1u)]
    [InlineData(FeatureId.TemperatureThreshold, 0x0001_0000u)]
    [InlineData(FeatureId.TemperatureThreshold, 0x0020_0000u)]
    [InlineData(FeatureId.ErrorRecovery, 0x0001_0000u)]
    [InlineData(FeatureId.NumberOfQueues, 0xFFFFu)]
    [InlineData(FeatureId.NumberOfQueues, 0xFFFF_0000u)]
    [InlineData(FeatureId.InterruptVectorConfiguration, 9u)]
    [InlineData(FeatureId.HostIdentifier, 0u)]
    [InlineData(FeatureId.HostMemoryBuffer, 0u)]
    [InlineData(FeatureId.AutonomousPowerStateTransition, 0u)]
    [InlineData((FeatureId)0, 0u)]
    [InlineData((FeatureId)0xC0, 0u)]
    public void Feature_SetToWhatIsNotSupported_IsRefused(FeatureId feature, uint value) =>
        Assert.Equal(NvmeStatus.InvalidField, SetFeature(feature, value).Status);

    [Fact]
    public void Feature_SavedOrForANamespace_IsRefused()
    {
        Assert.Equal(NvmeStatus.FeatureIdentifierNotSaveable, Run(AdminOpcode.SetFeatures, 1u << 31 | (uint)FeatureId.Arbitration).Status);
        Assert.Equal(NvmeStatus.FeatureNotNamespaceSpecific, SetFeature(FeatureId.Arbitration, 0, namespaceId: 1).Status);
        Assert.Equal(NvmeStatus.Success, SetFeature(FeatureId.Arbitration, 0, namespaceId: 0xFFFF_FFFF).Status);
        Assert.Equal(NvmeStatus.InvalidField, GetFeature(FeatureId.Arbitration, select: 4).Status);
    }

    [Fact]
    public void Arbitration_SetWithReservedBits_KeepsTheOthers()
    {
        Assert.Equal(NvmeStatus.Success, SetFeature(FeatureId.Arbitration, 0xFFFF_FFFF).Status);
        Assert.Equal(0xFFFF_FF07u, GetFeature(FeatureId.Arbitration).Result);
    }

    [Fact]
    public void NumberOfQueues_OnceQueuesExist_IsACommandSequenceError() =>
        Assert.Equal(NvmeStatus.CommandSequenceError, SetFeature(FeatureId.NumberOfQueues, 0).Status);

    [Fact]
    public void NumberOfQueues_AskedForInAbundance_IsWhatThereIs()
    {
        Assert.Equal(NvmeStatus.Success, Run(AdminOpcode.DeleteSubmissionQueue, 1).Status);
        Assert.Equal(NvmeStatus.Success, Run(AdminOpcode.DeleteCompletionQueue, 1).Status);
        Assert.Equal(0x0007_0007u, SetFeature(FeatureId.NumberOfQueues, 0x00FF_00FF).Result);
        Assert.Equal(0x0002_0003u, SetFeature(FeatureId.NumberOfQueues, 0x0002_0003).Result);
        Assert.Equal(0x0002_0003u, GetFeature(FeatureId.NumberOfQueues).Result);
    }

    [Fact]
    public void VolatileWriteCache_TurnedOff_ReachesTheMediumUntilAReset()
    {
        Assert.Equal(NvmeStatus.Success, SetFeature(FeatureId.VolatileWriteCache, 0).Status);
        Assert.False(Harness.Media.IsWriteCacheEnabled);
        Harness.Write32(ControllerHarness.Bar0 + NvmeRegister.Configuration, 0);
        Assert.True(Harness.Media.IsWriteCacheEnabled);
    }

    [Fact]
    public void VolatileWriteCache_OfAMediumWithoutOne_IsNotThere()
    {
        using ControllerHarness harness = ControllerHarness.Ready(out _);
        SubmissionEntry get = ControllerHarness.AdminEntry(AdminOpcode.GetFeatures) with { CommandDword10 = (uint)FeatureId.VolatileWriteCache };
        Assert.Equal(NvmeStatus.InvalidField, harness.RunAdmin(get).Status);
        Assert.Equal(NvmeStatus.InvalidField, harness.RunAdmin(get with { Opcode = (byte)AdminOpcode.SetFeatures }).Status);
    }

    [Fact]
    public void InterruptVectors_Configured_KeepTheirOwnSetting()
    {
        Assert.Equal(NvmeStatus.Success, SetFeature(FeatureId.InterruptVectorConfiguration, 1 << 16 | 8).Status);
        Assert.Equal(1u << 16 | 8, GetFeature(FeatureId.InterruptVectorConfiguration, 8).Result);
        Assert.Equal(7u, GetFeature(FeatureId.InterruptVectorConfiguration, 7).Result);
        Assert.Equal(NvmeStatus.InvalidField, GetFeature(FeatureId.InterruptVectorConfiguration, 9).Status);
    }

    [Fact]
    public void Timestamp_Set_GoesOnFromThere()
    {
        Assert.Equal(NvmeStatus.Success, GetFeature(FeatureId.Timestamp).Status);
        Assert.Equal(0ul, Data<ulong>() >> 48);
        BitConverter.TryWriteBytes(Harness.Host.Bytes(Page, 8), 1_700_000_000_000ul);
        Assert.Equal(NvmeStatus.Success, SetFeature(FeatureId.Timestamp, 0).Status);
        Harness.Now += 5_000_000_000;
        Harness.Host.Bytes(Page, 8).Fill(0xA5);
        Assert.Equal(NvmeStatus.Success, GetFeature(FeatureId.Timestamp).Status);
        Assert.Equal(1_700_000_005_000ul | 1ul << 49, Data<ulong>());
    }

    [Fact]
    public void HostIdentifier_Set_ReadsBack()
    {
        new Random(3).NextBytes(Harness.Host.Bytes(Page, 16));
        byte[] id = Harness.Host.Bytes(Page, 16).ToArray();
        Assert.Equal(NvmeStatus.Success, SetFeature(FeatureId.HostIdentifier, 1).Status);
        Harness.Host.Bytes(Page, 16).Clear();
        Assert.Equal(NvmeStatus.Success, GetFeature(FeatureId.HostIdentifier, 1).Status);
        Assert.Equal(id, Harness.Host.Bytes(Page, 16).ToArray());
        Assert.Equal(NvmeStatus.InvalidField, GetFeature(FeatureId.HostIdentifier, 0).Status);
    }

    [Fact]
    public void TemperatureThresholds_OverAndUnder_AreApart()
    {
        Assert.Equal(NvmeStatus.Success, SetFeature(FeatureId.TemperatureThreshold, 1 << 20 | 250).Status);
        Assert.Equal(250u, GetFeature(FeatureId.TemperatureThreshold, 1 << 20).Result);
        Assert.Equal(343u, GetFeature(FeatureId.TemperatureThreshold).Result);
    }

    [Fact]
    public void Features_AfterAReset_HaveTheirDefaults()
    {
        Assert.Equal(NvmeStatus.Success, SetFeature(FeatureId.InterruptCoalescing, 0x0505).Status);
        Harness.Write32(ControllerHarness.Bar0 + NvmeRegister.Configuration, 0);
        Harness.Enable();
        Assert.Equal(0u, GetFeature(FeatureId.InterruptCoalescing).Result);
    }
}
