using PcieOe.Host.Interop;
using PcieOe.Host.RootComplex;
using PcieOe.Host.Tests.FrontEnds.VfioUser.Harness;
using Xunit;
using static PcieOe.Host.Tests.FrontEnds.VfioUser.Harness.TestClient;

namespace PcieOe.Host.Tests.FrontEnds.VfioUser;

/// <summary>Files that their owner could cut short: never mapped, unless trusted.</summary>
public sealed class UnsealedMemoryTests
{
    private const int InvalidArgument = 22;
    private const ulong Address = 0x10000;

    [Fact]
    public void UnsealedMemfd_IsReadAndWrittenBySystemCalls()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();
        int memory = Descriptors.Memory(0x4000);
        Assert.False(harness.Ask(client, Message(2, 2, 32u, 3u, 0x1000ul, Address, 0x2000ul), memory).IsError);
        IDmaMemory mapped = harness.Function.Window[Address].Client!;

        Assert.True(mapped.TryStartRead(Address + 0x10, 4096, new DmaReadTicket(77), harness.Now));
        Assert.True(mapped.TryWrite(Address + 0x1FFE, [1, 2], harness.Now));

        Assert.Equal(Descriptors.Read(memory, 0x1010, 4096), harness.Function.DmaAnswers[77]);
        Assert.Equal([1, 2], Descriptors.Read(memory, 0x2FFE, 2));
        Descriptors.Close(memory);
    }

    [Fact]
    public void FileCutShortAfterwards_FailsTheReadAndNothingElse()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();
        int memory = Descriptors.Memory(0x4000);
        Assert.False(harness.Ask(client, Message(2, 2, 32u, 3u, 0ul, Address, 0x4000ul), memory).IsError);
        IDmaMemory mapped = harness.Function.Window[Address].Client!;

        Assert.Equal(0, LibC.Truncate(memory, 0x1800));
        mapped.TryStartRead(Address + 0x1000, 4096, new DmaReadTicket(1), harness.Now);
        mapped.TryStartRead(Address + 0x3000, 64, new DmaReadTicket(2), harness.Now);
        mapped.TryStartRead(Address, 64, new DmaReadTicket(3), harness.Now);

        Assert.Empty(harness.Function.DmaAnswers[1]);
        Assert.Empty(harness.Function.DmaAnswers[2]);
        Assert.Equal(64, harness.Function.DmaAnswers[3].Length);
        Descriptors.Close(memory);
    }

    [Fact]
    public void UnsealedMemfd_OfATrustedClient_IsMapped()
    {
        using var harness = new FrontEndHarness(trustsUnsealedMemory: true);
        using TestClient client = harness.ConnectAndNegotiate();
        int memory = Descriptors.Memory(0x4000);

        Assert.False(harness.Ask(client, Message(2, 2, 32u, 3u, 0ul, Address, 0x4000ul), memory).IsError);

        Assert.NotEqual(0, harness.Function.Window[Address].Memory);
        Descriptors.Close(memory);
    }

    [Fact]
    public void FileOnADisk_IsRefused()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();
        string path = Path.Combine(AppContext.BaseDirectory, $"disk-{Environment.ProcessId}");
        using FileStream file = new(path, FileMode.Create, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
        file.SetLength(0x4000);

        Assert.SkipWhen(new DriveInfo(path).DriveFormat == "tmpfs", "this directory is in memory");
        harness.ExpectError(client, InvalidArgument, Message(2, 2, 32u, 3u, 0ul, Address, 0x4000ul), (int)file.SafeFileHandle.DangerousGetHandle());
    }
}
