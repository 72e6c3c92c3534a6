using PcieOe.FlashEndpoint.Media;
using PcieOe.FlashEndpoint.Tests.Harness;
using PcieOe.Protocol.Nvme;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Io;

/// <summary>What becomes of a medium's errors, and of a medium that has no room for requests.</summary>
public sealed class MediaErrorTests : IoTestBase
{
    private readonly SlowMedia _media;

    public MediaErrorTests()
        : this(new SlowMedia(3 << 20))
    {
    }

    private MediaErrorTests(SlowMedia media)
        : base(media) => _media = media;

    [Theory]
    [InlineData(NvmOpcode.Read, MediaStatus.ReadError, NvmeStatus.UnrecoveredReadError)]
    [InlineData(NvmOpcode.Compare, MediaStatus.ReadError, NvmeStatus.UnrecoveredReadError)]
    [InlineData(NvmOpcode.Verify, MediaStatus.ReadError, NvmeStatus.UnrecoveredReadError)]
    [InlineData(NvmOpcode.Write, MediaStatus.WriteError, NvmeStatus.WriteFault)]
    [InlineData(NvmOpcode.Write, MediaStatus.OutOfSpace, NvmeStatus.CapacityExceeded)]
    [InlineData(NvmOpcode.Flush, MediaStatus.WriteError, NvmeStatus.WriteFault)]
    [InlineData(NvmOpcode.WriteZeroes, MediaStatus.OutOfSpace, NvmeStatus.CapacityExceeded)]
    public void ErrorOfTheMedium_IsToldToTheHostAndCounted(NvmOpcode opcode, MediaStatus outcome, NvmeStatus expected)
    {
        _media.Outcome = _ => outcome;
        Buffer(2, 512).Fill(0xA5);
        Assert.Equal(expected, Run(opcode, page: 2));
        Assert.Equal(-1, Buffer(2, 512).IndexOfAnyExcept((byte)0xA5));
        _media.Outcome = null;
        SubmissionEntry log = ControllerHarness.AdminEntry(AdminOpcode.GetLogPage) with { CommandDword10 = 127 << 16 | 2, Prp1 = Page };
        Assert.Equal(NvmeStatus.Success, Harness.RunAdmin(log).Status);
        Assert.Equal(1ul, System.Runtime.InteropServices.MemoryMarshal.Read<SmartLog>(Buffer(0, 512)).MediaErrors);
    }

    [Fact]
    public void ErrorInTheMiddleOfRanges_StopsThere()
    {
        Span<byte> ranges = Buffer(0, 48);
        ranges.Clear();
        for (int i = 0; i < 3; i++)
        {
            BitConverter.TryWriteBytes(ranges[(i * 16 + 4)..], 1u);
            BitConverter.TryWriteBytes(ranges[(i * 16 + 8)..], (ulong)i);
        }

        _media.Outcome = request => request.Offset == 512 ? MediaStatus.WriteError : MediaStatus.Success;
        SubmissionEntry entry = ControllerHarness.IoEntry(NvmOpcode.DatasetManagement, prp1: Page) with { CommandDword10 = 2, CommandDword11 = 4 };
        Assert.Equal(NvmeStatus.WriteFault, Harness.Run(Queue, entry).Status);
        Assert.Equal(2, _media.Log.Count);
    }

    [Fact]
    public void MediumWithLittleRoom_GetsRequestsInTheOrderTheyCame()
    {
        _media.MaximumPending = 2;
        _media.AnswersByItself = false;
        for (int i = 0; i < 10; i++)
        {
            Harness.Put(Queue, ControllerHarness.IoEntry(NvmOpcode.Read, (ulong)i, 1, Page));
        }

        Harness.Ring(Queue);
        Harness.Settle();
        Assert.Equal(2, _media.PendingCount);
        _media.AnswersByItself = true;
        for (int i = 0; i < 10; i++)
        {
            Assert.Equal(NvmeStatus.Success, Harness.Wait(Queue).Status);
        }

        Assert.Equal(Enumerable.Range(0, 10).Select(i => i * 512L), _media.Log.Select(request => request.Offset));
    }

    [Fact]
    public void Requests_OfOneCall_AreSubmittedInOneBatch()
    {
        _media.AnswersByItself = false;
        for (int i = 0; i < 10; i++)
        {
            Harness.Put(Queue, ControllerHarness.IoEntry(NvmOpcode.Read, (ulong)i, 1, Page));
        }

        Harness.Ring(Queue);
        int before = _media.Submits;
        Harness.Settle();
        Assert.Equal(10, _media.PendingCount);
        Assert.Equal(before + 1, _media.Submits);
        _media.AnswersByItself = true;
    }
}
