using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using PcieOe.FlashEndpoint.Interop;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Media;

/// <summary>Sizes and offsets as in the kernel's include/uapi/linux/io_uring.h.</summary>
public class IoUringAbiTests
{
    [Fact]
    public void Structures_HaveTheKernelsSizes()
    {
        Assert.Equal(120, Unsafe.SizeOf<IoUringParameters>());
        Assert.Equal(40, Unsafe.SizeOf<IoUringSubmissionOffsets>());
        Assert.Equal(40, Unsafe.SizeOf<IoUringCompletionOffsets>());
        Assert.Equal(64, Unsafe.SizeOf<IoUringSubmission>());
        Assert.Equal(16, Unsafe.SizeOf<IoUringCompletion>());
        Assert.Equal(16 + (8 * 64), Unsafe.SizeOf<IoUringProbe>());
        Assert.Equal(8, Unsafe.SizeOf<PollDescriptor>());
    }

    [Theory]
    [InlineData(nameof(IoUringSubmission.Operation), 0)]
    [InlineData(nameof(IoUringSubmission.Descriptor), 4)]
    [InlineData(nameof(IoUringSubmission.Offset), 8)]
    [InlineData(nameof(IoUringSubmission.Address), 16)]
    [InlineData(nameof(IoUringSubmission.Length), 24)]
    [InlineData(nameof(IoUringSubmission.OperationFlags), 28)]
    [InlineData(nameof(IoUringSubmission.UserData), 32)]
    public void Submission_HasTheKernelsOffsets(string field, int offset) =>
        Assert.Equal(offset, (int)Marshal.OffsetOf<IoUringSubmission>(field));

    [Theory]
    [InlineData(nameof(IoUringParameters.Features), 20)]
    [InlineData(nameof(IoUringParameters.SubmissionOffsets), 40)]
    [InlineData(nameof(IoUringParameters.CompletionOffsets), 80)]
    public void Parameters_HaveTheKernelsOffsets(string field, int offset) =>
        Assert.Equal(offset, (int)Marshal.OffsetOf<IoUringParameters>(field));
}
