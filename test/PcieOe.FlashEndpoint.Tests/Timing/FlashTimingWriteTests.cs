using PcieOe.FlashEndpoint.Timing;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Timing;

/// <summary>Writes, flushes and erases against target times computed by hand. One channel of two dies, one page a program.</summary>
public class FlashTimingWriteTests
{
    private const long Now = 1_000_000;
    private const long Firmware = 5_000;
    private const long Transfer = 4_096;
    private const long Program = 200_000;
    private const long Page = 4096;

    private static FlashParameters Small { get; } = new()
    {
        Channels = 1,
        DiesPerChannel = 2,
        PlanesPerDie = 1,
        PageBytes = 4096,
        PagesPerBlock = 1000,
        BitsPerCell = 1,
        ReadLsbNanoseconds = 25_000,
        ProgramNanoseconds = Program,
        EraseNanoseconds = 1_500_000,
        ChannelMegabytesPerSecond = 1000,
        FirmwareWriteNanoseconds = Firmware,
        WriteBufferBytes = 3 * Page,
    };

    [Fact]
    public void Write_NoBuffer_IsDoneWhenProgrammed()
    {
        var timing = new FlashTiming(Small with { WriteBufferBytes = 0 });

        FlashTimes times = Schedule(timing, FlashOperation.Write, 0, Page);

        Assert.Equal(Now + Firmware + Transfer + Program, times.DoneNanoseconds);
        Assert.Equal(Firmware, times.QueueNanoseconds);
        Assert.Equal(Program, times.CellNanoseconds);
        Assert.Equal(Transfer, times.TransferNanoseconds);
    }

    [Fact]
    public void Write_RoomInBuffer_IsDoneAfterFirmware()
    {
        var timing = new FlashTiming(Small);

        FlashTimes times = Schedule(timing, FlashOperation.Write, 0, Page);

        Assert.Equal(Now + Firmware, times.DoneNanoseconds);
        Assert.Equal(0, times.CellNanoseconds);
    }

    [Fact]
    public void Write_BufferFull_WaitsForTheEarliestProgram()
    {
        var timing = new FlashTiming(Small);
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(Now + Firmware, Schedule(timing, FlashOperation.Write, i * Page, Page).DoneNanoseconds);
        }

        FlashTimes fourth = Schedule(timing, FlashOperation.Write, 3 * Page, Page);
        FlashTimes fifth = Schedule(timing, FlashOperation.Write, 4 * Page, Page);

        // Die 0 programs page 0 after one transfer, die 1 page 1 after two.
        Assert.Equal(Now + Firmware + Transfer + Program, fourth.DoneNanoseconds);
        Assert.Equal(Firmware + Transfer + Program, fourth.QueueNanoseconds);
        Assert.Equal(Now + Firmware + (2 * Transfer) + Program, fifth.DoneNanoseconds);
    }

    [Fact]
    public void Write_SmallPieces_AreProgrammedByTheWordLine()
    {
        var timing = new FlashTiming(Small with { PlanesPerDie = 2, BitsPerCell = 3, WriteBufferBytes = 1 << 20 });

        // Rows of die 0: pages 0, 2, 4 ... ; a word line is 6 pages of 4 KiB in 2 planes. Row 0 is read from a lower page.
        for (int i = 0; i < 5; i++)
        {
            Schedule(timing, FlashOperation.Write, i * 2 * Page, Page);
        }

        FlashTimes before = Schedule(timing, FlashOperation.Read, 0, Page);
        Schedule(timing, FlashOperation.Write, 5 * 2 * Page, Page);
        FlashTimes after = Schedule(timing, FlashOperation.Read, 0, Page);

        long readDone = Now + 25_000 + Transfer;
        Assert.Equal(readDone, before.DoneNanoseconds);
        Assert.Equal(readDone + (6 * Transfer) + Program + 25_000 + Transfer, after.DoneNanoseconds);
    }

    [Fact]
    public void Flush_DataInBuffer_WaitsForCells()
    {
        var timing = new FlashTiming(Small with { PlanesPerDie = 2 });
        Schedule(timing, FlashOperation.Write, 0, Page);

        FlashTimes flush = Schedule(timing, FlashOperation.Flush, 0, 0);
        FlashTimes again = Schedule(timing, FlashOperation.Flush, 0, 0);

        Assert.Equal(Now + Firmware + Transfer + Program, flush.DoneNanoseconds);
        Assert.Equal(Program, flush.CellNanoseconds);
        Assert.Equal(flush.DoneNanoseconds, again.DoneNanoseconds);
        Assert.Equal(0, again.CellNanoseconds);
    }

    [Fact]
    public void WriteThrough_Buffered_WaitsForItsOwnCellsOnly()
    {
        var timing = new FlashTiming(Small);
        Schedule(timing, FlashOperation.Write, 0, Page);

        FlashTimes through = Schedule(timing, FlashOperation.WriteThrough, Page, Page);

        Assert.Equal(Now + Firmware + (2 * Transfer) + Program, through.DoneNanoseconds);
        Assert.Equal(Firmware + Transfer, through.QueueNanoseconds);
        Assert.Equal(Program, through.CellNanoseconds);
    }

    [Theory]
    [InlineData(FlashOperation.Flush)]
    [InlineData(FlashOperation.WriteThrough)]
    [InlineData(FlashOperation.Deallocate)]
    public void Durability_PowerProtectedBuffer_CostsNothing(FlashOperation operation)
    {
        var timing = new FlashTiming(Small with { WriteBufferIsPowerProtected = true });
        Schedule(timing, FlashOperation.Write, 0, Page);

        Assert.Equal(Now + Firmware, Schedule(timing, operation, Page, Page).DoneNanoseconds);
    }

    [Fact]
    public void Write_BufferFullOfPartialWordLines_ProgramsThem()
    {
        // Two dies, a word line of two pages: a page on each die fills the buffer with partial ones, and nothing would ever leave it.
        var timing = new FlashTiming(Small with { PlanesPerDie = 2, WriteBufferBytes = 2 * Page });
        Schedule(timing, FlashOperation.Write, 0, Page);
        Schedule(timing, FlashOperation.Write, Page, Page);

        FlashTimes third = Schedule(timing, FlashOperation.Write, 2 * Page, Page);

        Assert.Equal(Now + Firmware + Transfer + Program, third.DoneNanoseconds);
    }

    [Fact]
    public void Writes_OneBlockFull_DieErases()
    {
        var timing = new FlashTiming(Small with { PagesPerBlock = 2, WriteBufferBytes = 0 });

        FlashTimes first = Schedule(timing, FlashOperation.Write, 0, Page);
        FlashTimes second = Schedule(timing, FlashOperation.Write, 2 * Page, Page);
        FlashTimes third = Schedule(timing, FlashOperation.Write, 4 * Page, Page);

        Assert.Equal(Transfer + Program, second.DoneNanoseconds - first.DoneNanoseconds);
        Assert.Equal(1_500_000 + Transfer + Program, third.DoneNanoseconds - second.DoneNanoseconds);
    }

    [Fact]
    public void Read_DieProgramming_WaitsForIt()
    {
        var timing = new FlashTiming(Small);
        Schedule(timing, FlashOperation.Write, 0, Page);

        FlashTimes read = Schedule(timing, FlashOperation.Read, 2 * Page, Page);

        Assert.Equal(Now + Firmware + Transfer + Program + 25_000 + Transfer, read.DoneNanoseconds);
    }

    private static FlashTimes Schedule(FlashTiming timing, FlashOperation operation, long offset, long bytes)
    {
        timing.Schedule(operation, offset, bytes, Now, out FlashTimes times);
        Assert.Equal(times.DoneNanoseconds - Now, times.QueueNanoseconds + times.CellNanoseconds + times.TransferNanoseconds);
        return times;
    }
}
