using PcieOe.Host.FrontEnds.Nbd.Transmission;
using Xunit;

namespace PcieOe.Host.Tests.FrontEnds.Nbd;

public sealed class BufferArenaTests
{
    private const int ArenaBytes = 128 * BufferArena.PageBytes;
    private const nint Start = 0x1000_0000;

    [Fact]
    public void Take_RandomSizes_NeverOverlapsAndAllComesBack()
    {
        BufferArena arena = new(Start, ArenaBytes);
        Random random = new(5);
        List<(nint Address, int Bytes)> taken = [];
        for (int round = 0; round < 20_000; round++)
        {
            int bytes = random.Next(3) == 0 ? random.Next(1, 64 * 4096) : random.Next(1, 4097);
            if (random.Next(2) == 0 && arena.TryTake(bytes, out nint address))
            {
                int rounded = (bytes + 4095) / 4096 * 4096;
                Assert.InRange(address, Start, Start + ArenaBytes - rounded);
                Assert.All(taken, other => Assert.True(address + rounded <= other.Address || other.Address + other.Bytes <= address));
                taken.Add((address, bytes));
            }
            else if (taken.Count > 0)
            {
                int index = random.Next(taken.Count);
                arena.Return(taken[index].Address, taken[index].Bytes);
                taken.RemoveAt(index);
            }
        }

        taken.ForEach(piece => arena.Return(piece.Address, piece.Bytes));
        Assert.Equal(0, arena.UsedPages);
        Assert.True(arena.TryTake(ArenaBytes, out _));
        Assert.False(arena.TryTake(1, out _));
    }

    [Fact]
    public void Return_Twice_IsFoundOut()
    {
        BufferArena arena = new(Start, ArenaBytes);
        arena.TryTake(4096, out nint address);
        arena.Return(address, 4096);

        Assert.Throws<InvalidOperationException>(() => arena.Return(address, 4096));
    }
}
