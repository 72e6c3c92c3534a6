using System.Buffers.Binary;
using PcieOe.Host.RootComplex;
using PcieOe.Protocol.Tlp;
using Xunit;

namespace PcieOe.Host.Tests.RootComplex;

public sealed class RegionAccessTests
{
    [Theory]
    [InlineData(0, 0x10UL, 4)]
    [InlineData(0, 0x13UL, 1)]
    [InlineData(0, 0x11UL, 2)]
    [InlineData(0, 0x1CUL, 8)]
    [InlineData(2, 0x1000UL, 4096)]
    [InlineData(2, 0x1003UL, 4001)]
    [InlineData(4, 0xFFCUL, 4)]
    public void Read_AnyPlaceAndLength_GivesItsBytes(int bar, ulong offset, int length)
    {
        using RootPortHarness harness = RootPortHarness.Up();
        byte[] memory = bar switch { 0 => harness.Function.Bar0, 2 => harness.Function.Bar2, _ => harness.Function.Bar4 };
        new Random(7).NextBytes(memory.AsSpan((int)offset, length));
        Assert.True(harness.Port.TryReadRegion(bar, offset, length, 77, harness.Now));
        Assert.Empty(harness.Client.Reads);
        harness.Run();
        (ulong context, RegionReadStatus status, byte[] data) = Assert.Single(harness.Client.Reads);
        Assert.Equal(77UL, context);
        Assert.Equal(RegionReadStatus.Success, status);
        Assert.Equal(memory.AsSpan((int)offset, length), data.AsSpan());
    }

    [Theory]
    [InlineData(0, 0x4000UL, 4)]
    [InlineData(0, 0x3FFEUL, 4)]
    [InlineData(0, ulong.MaxValue, 4)]
    [InlineData(1, 0UL, 4)]
    [InlineData(5, 0UL, 4)]
    [InlineData(6, 0UL, 4)]
    [InlineData(-1, 0UL, 4)]
    [InlineData(2, 0UL, 0)]
    [InlineData(2, 0UL, 4097)]
    [InlineData(2, 0xFFEUL, 4)]
    public void Access_OutsideTheBarOrAcrossAPage_IsTurnedDown(int bar, ulong offset, int length)
    {
        using RootPortHarness harness = RootPortHarness.Up();
        Assert.False(harness.Port.TryReadRegion(bar, offset, length, 1, harness.Now));
        Assert.False(harness.Port.TryWriteRegion(bar, offset, new byte[Math.Max(0, length)], harness.Now));
    }

    [Theory]
    [InlineData(8900)]
    [InlineData(1440)]
    [InlineData(300)]
    public void Write_AnyPlaceAndLength_ArrivesInPiecesOfThePayloadSize(int frameBytes)
    {
        using RootPortHarness harness = RootPortHarness.Up(frameBytes: frameBytes);
        Random random = new(11);
        for (int trial = 0; trial < 200; trial++)
        {
            int start = random.Next(4096);
            int length = random.Next(1, 4096 - start + 1);
            byte[] data = new byte[length];
            random.NextBytes(data);
            int page = random.Next(16) * 4096;
            Assert.True(harness.Port.TryWriteRegion(2, (ulong)(page + start), data, harness.Now));
            harness.Run();
            Assert.Equal(data, harness.Function.Bar2.AsSpan(page + start, length));
        }
    }

    [Fact]
    public void Writes_OfOneRound_ShareAFrame()
    {
        using RootPortHarness harness = RootPortHarness.Up();
        long before = harness.ToFunction.FramesDelivered;
        for (int i = 0; i < 32; i++)
        {
            Assert.True(harness.Port.TryWriteRegion(2, (ulong)i * 64, new byte[64], harness.Now));
        }

        Assert.True(harness.Port.TryWriteRegion(0, 0x1000, new byte[4], harness.Now));
        harness.Run();
        Assert.Equal(1, harness.ToFunction.FramesDelivered - before);
        Assert.Equal(33, harness.Function.Writes.Count);
    }

    [Fact]
    public void ReadBehindWrites_WindowFull_NeverOvertakesThem()
    {
        using RootPortHarness harness = RootPortHarness.Up(frameBytes: 300, windowFrames: 1);
        byte[] data = new byte[4096];
        new Random(3).NextBytes(data);
        Assert.True(harness.Port.TryWriteRegion(2, 0x2000, data, harness.Now));
        Assert.True(harness.Port.TryReadRegion(2, 0x2FF8, 8, 1, harness.Now));
        Assert.True(harness.Port.TryWriteRegion(2, 0x2FF8, new byte[8], harness.Now));
        harness.Run();
        Assert.Equal(data.AsSpan(4088), Assert.Single(harness.Client.Reads).Data.AsSpan());
        Assert.Equal(new byte[8], harness.Function.Bar2.AsSpan(0x2FF8, 8));
    }

    [Fact]
    public void Writes_QueueFull_AreTurnedDownWhole()
    {
        using RootPortHarness harness = RootPortHarness.Up(new RootComplexOptions { RequestQueueBytes = 16384 });
        harness.CutCable();
        harness.ToFunction.WindowFrames = 0;
        int accepted = 0;
        while (harness.Port.TryWriteRegion(2, (ulong)accepted % 256 * 4096, new byte[4096], harness.Now))
        {
            accepted++;
        }

        Assert.InRange(accepted, 2, 3);
        Assert.Equal(1, harness.Port.Counters.RegionWritesDropped);
        harness.ToFunction.WindowFrames = 64;
        harness.Establish(isResumed: true);
        Assert.Equal(accepted, harness.Function.Writes.Count);
        Assert.All(harness.Function.Writes, write => Assert.Equal(4096, write.Data.Length));
    }

    [Fact]
    public void Reads_MoreThanSlots_AreTurnedDown()
    {
        using RootPortHarness harness = RootPortHarness.Up();
        for (int i = 0; i < 64; i++)
        {
            Assert.True(harness.Port.TryReadRegion(0, 0, 4, (ulong)i, harness.Now));
        }

        Assert.False(harness.Port.TryReadRegion(0, 0, 4, 64, harness.Now));
        harness.Run();
        Assert.Equal(Enumerable.Range(0, 64).Select(i => (ulong)i), harness.Client.Reads.Select(read => read.Context));
        Assert.True(harness.Port.TryReadRegion(0, 0, 4, 64, harness.Now));
    }

    [Fact]
    public void MsixTable_ClientWrites_StayInTheShadow()
    {
        using RootPortHarness harness = RootPortHarness.Up();
        byte[] far = harness.Function.Bar0.AsSpan(FakeFunction.TableOffset, 16).ToArray();
        byte[] entry = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0, 0, 0, 0];
        Assert.True(harness.Port.TryWriteRegion(0, FakeFunction.TableOffset, entry, harness.Now));
        Assert.True(harness.Port.TryReadRegion(0, FakeFunction.TableOffset, 24, 1, harness.Now));
        harness.Run();
        Assert.Equal(far, harness.Function.Bar0.AsSpan(FakeFunction.TableOffset, 16));
        byte[] read = Assert.Single(harness.Client.Reads).Data;
        Assert.Equal(entry, read.AsSpan(0, 16));
        Assert.Empty(harness.Function.Writes);
    }

    [Fact]
    public void Write_AcrossTheTablesEnd_IsDivided()
    {
        using RootPortHarness harness = RootPortHarness.Up();
        byte[] data = [1, 2, 3, 4, 5, 6, 7, 8];
        ulong end = FakeFunction.TableOffset + FakeFunction.Vectors * 16;
        Assert.True(harness.Port.TryWriteRegion(0, end - 4, data, harness.Now));
        harness.Run();
        (ulong address, byte[] written) = Assert.Single(harness.Function.Writes);
        Assert.Equal(harness.Function.BarAddress(0) + end, address);
        Assert.Equal(data.AsSpan(4), written.AsSpan());
    }

    [Fact]
    public void Read_FunctionRefuses_IsFailedWithAllOnes()
    {
        using RootPortHarness harness = RootPortHarness.Up();
        harness.Function.ReadStatus = CompletionStatus.CompleterAbort;
        harness.Port.TryReadRegion(0, 0x1C, 4, 1, harness.Now);
        harness.Run();
        (_, RegionReadStatus status, byte[] data) = Assert.Single(harness.Client.Reads);
        Assert.Equal(RegionReadStatus.Failed, status);
        Assert.Equal(uint.MaxValue, BinaryPrimitives.ReadUInt32LittleEndian(data));
    }
}
