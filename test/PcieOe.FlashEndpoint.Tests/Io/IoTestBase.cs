using PcieOe.FlashEndpoint.Controller;
using PcieOe.FlashEndpoint.Media;
using PcieOe.FlashEndpoint.Tests.Harness;
using PcieOe.FlashEndpoint.Timing;
using PcieOe.Protocol.Nvme;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Io;

/// <summary>
/// What tests of I/O commands share. Namespace 1 has 2048 blocks of 512 bytes, namespace 2 has 512 blocks of 4096 bytes; each group of
/// commands is tested on an immediate and on a slow medium.
/// </summary>
public abstract class IoTestBase : IDisposable
{
    private protected IoTestBase(IBlockMedia? media, IFlashTiming? timing = null)
    {
        NvmeOptions options = ControllerHarness.MakeOptions() with
        {
            Namespaces = [new NamespaceOptions { SizeBytes = 1 << 20 }, new NamespaceOptions { SizeBytes = 2 << 20, BlockBytes = 4096 }],
        };
        Harness = ControllerHarness.Ready(out TestQueue io, options, media, timing);
        Queue = io;
        Page = Harness.AllocatePages(4);
    }

    private protected ControllerHarness Harness { get; }

    private protected TestQueue Queue { get; }

    private protected ulong Page { get; }

    public void Dispose()
    {
        Harness.Settle();
        Assert.True(Harness.Function.IsIdle);
        Harness.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected NvmeStatus Run(NvmOpcode opcode, ulong lba = 0, int blocks = 1, uint namespaceId = 1, uint dword12Flags = 0, int page = 0)
    {
        SubmissionEntry entry = ControllerHarness.IoEntry(opcode, lba, blocks, Page + (ulong)page * 4096, Page + (ulong)(page + 1) * 4096, namespaceId);
        entry.CommandDword12 |= dword12Flags;
        return Harness.Run(Queue, entry).Status;
    }

    private protected Span<byte> Buffer(int page, int length) => Harness.Host.Bytes(Page + (ulong)page * 4096, length);

    /// <summary>Writes blocks full of one value.</summary>
    private protected void Fill(ulong lba, int blocks, byte value, uint namespaceId = 1)
    {
        Buffer(0, 8192).Fill(value);
        Assert.Equal(NvmeStatus.Success, Run(NvmOpcode.Write, lba, blocks, namespaceId));
    }

    /// <summary>The value that all bytes of a block have.</summary>
    private protected byte Value(ulong lba, uint namespaceId = 1)
    {
        Buffer(2, 4096).Fill(0xA5);
        Assert.Equal(NvmeStatus.Success, Run(NvmOpcode.Read, lba, 1, namespaceId, page: 2));
        Assert.Equal(-1, Buffer(2, namespaceId == 1 ? 512 : 4096).IndexOfAnyExcept(Buffer(2, 1)[0]));
        return Buffer(2, 1)[0];
    }
}
