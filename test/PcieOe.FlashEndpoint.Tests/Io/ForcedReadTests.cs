using PcieOe.FlashEndpoint.Media;
using PcieOe.FlashEndpoint.Tests.Harness;
using PcieOe.Protocol.Nvme;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Io;

/// <summary>FUA of commands that read (NVMe 1.4, section 6.9): what they give back is durable.</summary>
public sealed class ForcedReadTests : IoTestBase
{
    private const uint ForceUnitAccess = 1u << 30;
    private readonly SlowMedia _media;

    public ForcedReadTests()
        : this(new SlowMedia(3 << 20))
    {
    }

    private ForcedReadTests(SlowMedia media)
        : base(media) => _media = media;

    [Theory]
    [InlineData(NvmOpcode.Read)]
    [InlineData(NvmOpcode.Compare)]
    [InlineData(NvmOpcode.Verify)]
    public void Forced_MakesDurableWhatItReads(NvmOpcode opcode)
    {
        Fill(0, 1, 0x33);
        _media.Log.Clear();
        Assert.Equal(NvmeStatus.Success, Run(opcode, dword12Flags: ForceUnitAccess));
        Assert.Equal([MediaOperation.Flush, MediaOperation.Read], _media.Log.Select(request => request.Operation));
        _media.Log.Clear();
        Assert.Equal(NvmeStatus.Success, Run(opcode));
        Assert.Equal([MediaOperation.Read], _media.Log.Select(request => request.Operation));
    }

    [Fact]
    public void Forced_WhoseDataCannotBeMadeDurable_Fails()
    {
        _media.Outcome = request => request.Operation == MediaOperation.Flush ? MediaStatus.WriteError : MediaStatus.Success;
        Assert.Equal(NvmeStatus.WriteFault, Run(NvmOpcode.Read, dword12Flags: ForceUnitAccess));
        Assert.Equal([MediaOperation.Flush], _media.Log.Select(request => request.Operation));
    }

    [Fact]
    public void Forced_WithTheWriteCacheOff_JustReads()
    {
        SubmissionEntry off = ControllerHarness.AdminEntry(AdminOpcode.SetFeatures) with { CommandDword10 = (uint)FeatureId.VolatileWriteCache };
        Assert.Equal(NvmeStatus.Success, Harness.RunAdmin(off).Status);
        Assert.Equal(NvmeStatus.Success, Run(NvmOpcode.Read, dword12Flags: ForceUnitAccess));
        Assert.Equal([MediaOperation.Read], _media.Log.Select(request => request.Operation));
    }
}
