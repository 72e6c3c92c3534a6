using PcieOe.Host.RootComplex;
using PcieOe.Host.Tests.FrontEnds.VfioUser.Harness;
using Xunit;
using static PcieOe.Host.Tests.FrontEnds.VfioUser.Harness.TestClient;

namespace PcieOe.Host.Tests.FrontEnds.VfioUser;

public sealed class DmaMapTests
{
    private const int InvalidArgument = 22;
    private const int Exists = 17;
    private const int NoSpace = 28;
    private const int AccessDenied = 13;

    [Fact]
    public void SealedMemory_IsMappedDirectly()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();
        int memory = Descriptors.Memory(0x4000, Descriptors.SealShrink);

        Reply reply = harness.Ask(client, Message(2, 2, 32u, 3u, 0x1000ul, 0x8000_0000ul, 0x2000ul), memory);

        Assert.Equal((2, 2, 1u, 0), (reply.Id, reply.Command, reply.Flags, reply.Payload.Length));
        Assert.Equal((0x2000ul, DmaAccess.ReadWrite), (harness.Function.Window[0x8000_0000].Length, harness.Function.Window[0x8000_0000].Access));
        Assert.True(harness.Function.Memory(0x8000_0000, 0x2000).SequenceEqual(Descriptors.Read(memory, 0x1000, 0x2000)));
        harness.Function.Memory(0x8000_0010, 4).Fill(0xEE);
        Assert.Equal([0xEE, 0xEE, 0xEE, 0xEE], Descriptors.Read(memory, 0x1010, 4));
        Descriptors.Close(memory);
    }

    [Fact]
    public void OffsetWithinAPage_IsHonoured()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();
        int memory = Descriptors.Memory(0x4000, Descriptors.SealShrink);

        Assert.False(harness.Ask(client, Message(2, 2, 32u, 3u, 0x1234ul, 0x10234ul, 0x100ul), memory).IsError);

        Assert.True(harness.Function.Memory(0x10234, 0x100).SequenceEqual(Descriptors.Read(memory, 0x1234, 0x100)));
        Descriptors.Close(memory);
    }

    [Theory]
    [InlineData(1u, DmaAccess.Read)]
    [InlineData(2u, DmaAccess.Write)]
    [InlineData(3u, DmaAccess.ReadWrite)]
    public void Access_IsPassedOn(uint flags, DmaAccess access)
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();
        int memory = Descriptors.Memory(0x1000, Descriptors.SealShrink);

        Assert.False(harness.Ask(client, Message(2, 2, 32u, flags, 0ul, 0ul, 0x1000ul), memory).IsError);

        Assert.Equal(access, harness.Function.Window[0].Access);
        Descriptors.Close(memory);
    }

    [Theory]
    [InlineData(32u, 0u, 0ul, 0x1000ul)] // no access
    [InlineData(32u, 4u, 0ul, 0x1000ul)] // an unknown flag
    [InlineData(31u, 3u, 0ul, 0x1000ul)] // argsz
    [InlineData(32u, 3u, 0ul, 0ul)] // empty
    [InlineData(32u, 3u, 0xFFFF_FFFF_FFFF_F000ul, 0x2000ul)] // wraps around
    public void Nonsense_IsRefused(uint argumentSize, uint flags, ulong address, ulong length)
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();
        int memory = Descriptors.Memory(0x4000, Descriptors.SealShrink);

        harness.ExpectError(client, InvalidArgument, Message(2, 2, argumentSize, flags, 0ul, address, length), memory);

        Assert.Empty(harness.Function.Window);
        Descriptors.Close(memory);
    }

    [Fact]
    public void MessageCutShort_IsRefused()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();

        harness.ExpectError(client, InvalidArgument, Message(2, 2, 32u, 3u, 0ul, 0ul));
    }

    [Theory]
    [InlineData(0x3000ul, 0x2000ul)]
    [InlineData(0x5000ul, 0x1000ul)]
    [InlineData(0xFFFF_FFFF_FFFF_F000ul, 0x1000ul)]
    public void FileShorterThanTheMapping_IsRefused(ulong offset, ulong length)
    {
        using var harness = new FrontEndHarness(trustsUnsealedMemory: true);
        using TestClient client = harness.ConnectAndNegotiate();
        int memory = Descriptors.Memory(0x4000);

        harness.ExpectError(client, InvalidArgument, Message(2, 2, 32u, 3u, offset, 0ul, length), memory);

        Assert.Empty(harness.Function.Window);
        Descriptors.Close(memory);
    }

    [Fact]
    public void DescriptorThatIsNoFile_IsRefused()
    {
        using var harness = new FrontEndHarness(trustsUnsealedMemory: true);
        using TestClient client = harness.ConnectAndNegotiate();
        int notMemory = Descriptors.Event();

        harness.ExpectError(client, InvalidArgument, Message(2, 2, 32u, 3u, 0ul, 0ul, 0x1000ul), notMemory);

        Descriptors.Close(notMemory);
    }

    [Fact]
    public void TwoDescriptors_AreRefused()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();
        int memory = Descriptors.Memory(0x4000, Descriptors.SealShrink);

        harness.ExpectError(client, InvalidArgument, Message(2, 2, 32u, 3u, 0ul, 0ul, 0x1000ul), memory, memory);

        Descriptors.Close(memory);
    }

    [Fact]
    public void FileOpenForReadingOnly_MappedForWriting_IsRefused()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();
        int memory = Descriptors.Memory(0x4000, Descriptors.SealShrink);
        using FileStream file = File.OpenRead($"/proc/self/fd/{memory}");

        harness.ExpectError(client, AccessDenied, Message(2, 2, 32u, 3u, 0ul, 0ul, 0x1000ul), (int)file.SafeFileHandle.DangerousGetHandle());
        Assert.False(harness.Ask(client, Message(2, 2, 32u, 1u, 0ul, 0ul, 0x1000ul), (int)file.SafeFileHandle.DangerousGetHandle()).IsError);

        Descriptors.Close(memory);
    }

    [Theory]
    [InlineData(DmaMapResult.Overlap, Exists)]
    [InlineData(DmaMapResult.TooMany, NoSpace)]
    [InlineData(DmaMapResult.InvalidRange, InvalidArgument)]
    public void RefusalOfTheWindow_IsAnsweredWithItsError(DmaMapResult result, int error)
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();
        int memory = Descriptors.Memory(0x4000, Descriptors.SealShrink);
        harness.Function.MapsWith = result;

        harness.ExpectError(client, error, Message(2, 2, 32u, 3u, 0ul, 0ul, 0x1000ul), memory);

        Descriptors.Close(memory);
    }

    [Fact]
    public void OverlappingRange_IsRefusedAndTheFirstStays()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();
        int memory = Descriptors.Memory(0x4000, Descriptors.SealShrink);
        Assert.False(harness.Ask(client, Message(2, 2, 32u, 3u, 0ul, 0x1000ul, 0x2000ul), memory).IsError);

        harness.ExpectError(client, Exists, Message(3, 2, 32u, 3u, 0x2000ul, 0x1000ul, 0x2000ul), memory);

        Assert.True(harness.Function.Memory(0x1000, 0x2000).SequenceEqual(Descriptors.Read(memory, 0, 0x2000)));
        Assert.False(harness.Ask(client, Message(4, 3, 24u, 0u, 0x1000ul, 0x2000ul)).IsError);
        Descriptors.Close(memory);
    }

    [Fact]
    public void MoreMappingsThanAnnounced_AreRefused()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();
        int memory = Descriptors.Memory(0x1000);
        for (uint i = 0; i < 64; i++)
        {
            Assert.False(harness.Ask(client, Message((ushort)i, 2, 32u, 3u, 0ul, i * 0x1000ul, 0x1000ul), memory).IsError);
        }

        harness.ExpectError(client, NoSpace, Message(99, 2, 32u, 3u, 0ul, 0x100000ul, 0x1000ul), memory);
        Assert.False(harness.Ask(client, Message(100, 3, 24u, 0u, 0ul, 0x1000ul)).IsError);
        Assert.False(harness.Ask(client, Message(101, 2, 32u, 3u, 0ul, 0x100000ul, 0x1000ul), memory).IsError);
        Descriptors.Close(memory);
    }
}
