using PcieOe.FlashEndpoint.Timing;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Timing;

/// <summary>Reads against target times computed by hand. Pages 0, 1, 2, 3 lie on (channel, die) (0,0) (1,0) (0,1) (1,1), then again.</summary>
public class FlashTimingReadTests
{
    private const long Now = 1_000_000;
    private const long Firmware = 2_000;
    private const long Cell = 25_000;
    private const long Page = 4096;

    /// <summary>300 ns of command cycles and 4096 bytes at 1 byte a nanosecond.</summary>
    private const long Transfer = 300 + 4096;

    internal static FlashParameters Small { get; } = new()
    {
        Channels = 2,
        DiesPerChannel = 2,
        PlanesPerDie = 1,
        PageBytes = 4096,
        PagesPerBlock = 4,
        BitsPerCell = 1,
        ReadLsbNanoseconds = Cell,
        ProgramNanoseconds = 200_000,
        EraseNanoseconds = 1_500_000,
        ChannelMegabytesPerSecond = 1000,
        ChannelCommandNanoseconds = 300,
        FirmwareReadNanoseconds = Firmware,
    };

    [Fact]
    public void Read_IdleFlash_TakesFirmwareCellAndTransfer()
    {
        var timing = new FlashTiming(Small);

        FlashTimes times = Read(timing, page: 0);

        Assert.Equal(Now + 2_000 + 25_000 + 4_396, times.DoneNanoseconds);
        Assert.Equal(2_000, times.QueueNanoseconds);
        Assert.Equal(25_000, times.CellNanoseconds);
        Assert.Equal(4_396, times.TransferNanoseconds);
    }

    [Fact]
    public void Read_PartOfPage_TransfersOnlyThat()
    {
        var timing = new FlashTiming(Small);

        timing.Schedule(FlashOperation.Read, offset: 512, bytes: 1024, Now, out FlashTimes times);

        Assert.Equal(300 + 1024, times.TransferNanoseconds);
        Assert.Equal(Now + 2_000 + 25_000 + 1_324, times.DoneNanoseconds);
    }

    [Fact]
    public void TwoReads_OneDie_SecondWaitsForCellAndTransferOfFirst()
    {
        var timing = new FlashTiming(Small);

        Read(timing, page: 0);
        FlashTimes second = Read(timing, page: 4);

        Assert.Equal(Now + 2_000 + 2 * (25_000 + 4_396), second.DoneNanoseconds);
        Assert.Equal(2_000 + 25_000 + 4_396, second.QueueNanoseconds);
        Assert.Equal(25_000, second.CellNanoseconds);
        Assert.Equal(4_396, second.TransferNanoseconds);
    }

    [Fact]
    public void TwoReads_OneChannelTwoDies_CellsOverlapAndSecondWaitsForTheBus()
    {
        var timing = new FlashTiming(Small);

        Read(timing, page: 0);
        FlashTimes second = Read(timing, page: 2);

        Assert.Equal(Now + 2_000 + 25_000 + 2 * 4_396, second.DoneNanoseconds);
        Assert.Equal(2_000 + 4_396, second.QueueNanoseconds);
    }

    [Fact]
    public void TwoReads_TwoChannels_NeitherWaits()
    {
        var timing = new FlashTiming(Small);

        FlashTimes first = Read(timing, page: 0);
        FlashTimes second = Read(timing, page: 1);

        Assert.Equal(first.DoneNanoseconds, second.DoneNanoseconds);
    }

    [Fact]
    public void Read_BusBookedForLater_GoesBeforeIt()
    {
        var timing = new FlashTiming(Small);

        Read(timing, page: 0);
        FlashTimes later = Read(timing, page: 4);
        FlashTimes early = Read(timing, page: 2);

        Assert.Equal(Now + Firmware + (2 * (Cell + Transfer)), later.DoneNanoseconds);
        Assert.Equal(Now + Firmware + Cell + (2 * Transfer), early.DoneNanoseconds);
    }

    [Fact]
    public void Read_OfFourPages_IsDoneWithTheSlowest()
    {
        var timing = new FlashTiming(Small);

        // Each bus carries two pages, whose cells are read at the same time.
        timing.Schedule(FlashOperation.Read, 0, 4 * Page, Now, out FlashTimes times);

        Assert.Equal(Now + Firmware + Cell + (2 * Transfer), times.DoneNanoseconds);
        Assert.Equal(Firmware + Transfer, times.QueueNanoseconds);
    }

    [Theory]
    [InlineData(1, new long[] { 10_000, 10_000, 10_000, 10_000 })]
    [InlineData(2, new long[] { 10_000, 30_000, 10_000, 30_000 })]
    [InlineData(3, new long[] { 10_000, 20_000, 30_000, 10_000 })]
    public void Read_PagesOfOneWordLine_TakesTheTimeOfTheirBit(int bitsPerCell, long[] expected)
    {
        var timing = new FlashTiming(Small with
        {
            BitsPerCell = bitsPerCell,
            ReadLsbNanoseconds = 10_000,
            ReadCsbNanoseconds = 20_000,
            ReadMsbNanoseconds = 30_000,
        });

        for (int row = 0; row < expected.Length; row++)
        {
            Assert.Equal(expected[row], Read(timing, page: row * 4).CellNanoseconds);
        }
    }

    [Theory]
    [InlineData(false, Firmware + (2 * (Cell + Transfer)))]
    [InlineData(true, Firmware + Cell + (2 * Transfer))]
    public void TwoReads_TwoPlanesOfOneDie_OverlapOnlyIfIndependent(bool isIndependent, long expected)
    {
        var timing = new FlashTiming(Small with { PlanesPerDie = 2, IndependentPlaneReads = isIndependent });

        Read(timing, page: 0);
        FlashTimes second = Read(timing, page: 4);

        Assert.Equal(Now + expected, second.DoneNanoseconds);
    }

    [Fact]
    public void TwoReads_OnePlane_WaitEvenIfPlanesAreIndependent()
    {
        var timing = new FlashTiming(Small with { PlanesPerDie = 2, IndependentPlaneReads = true });

        Read(timing, page: 0);
        FlashTimes second = Read(timing, page: 8);

        Assert.Equal(Now + Firmware + (2 * (Cell + Transfer)), second.DoneNanoseconds);
    }

    [Fact]
    public void Commands_FirmwareBusy_StartOneAfterTheOther()
    {
        var timing = new FlashTiming(Small with { FirmwareOccupancyNanoseconds = 700 });

        Read(timing, page: 0);
        FlashTimes second = Read(timing, page: 1);
        timing.Schedule(FlashOperation.Deallocate, 0, Page, Now, out FlashTimes third);

        Assert.Equal(Now + 700 + Firmware + Cell + Transfer, second.DoneNanoseconds);
        Assert.Equal(700 + Firmware, second.QueueNanoseconds);
        Assert.Equal(Now + (2 * 700), third.DoneNanoseconds);
    }

    private static FlashTimes Read(FlashTiming timing, long page)
    {
        timing.Schedule(FlashOperation.Read, page * Page, Page, Now, out FlashTimes times);
        Assert.Equal(times.DoneNanoseconds - Now, times.QueueNanoseconds + times.CellNanoseconds + times.TransferNanoseconds);
        return times;
    }
}
