using System.Numerics;

namespace PcieOe.Host.FrontEnds.Nbd.Transmission;

/// <summary>A connection's share of the memory that the device can reach: pages in use are marked in a bitmap. One thread.</summary>
internal sealed class BufferArena
{
    internal const int PageBytes = 4096;
    private const int PagesPerWord = 64;

    private readonly nint _start;
    private readonly ulong[] _used;
    private int _next;

    /// <param name="start">Aligned to a page.</param>
    /// <param name="bytes">A multiple of 64 pages.</param>
    internal BufferArena(nint start, int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(bytes % (PagesPerWord * PageBytes), 0);
        _start = start;
        _used = new ulong[bytes / (PagesPerWord * PageBytes)];
    }

    internal int UsedPages { get; private set; }

    private int Pages => _used.Length * PagesPerWord;

    /// <summary>Takes whole pages in one piece. False: there is none of that length now.</summary>
    internal bool TryTake(int bytes, out nint address)
    {
        int pages = PagesOf(bytes);
        int first = pages > Pages - UsedPages ? -1 : pages == 1 ? FindPage() : FindRun(pages);
        if (first < 0)
        {
            address = 0;
            return false;
        }

        Mark(first, pages, used: true);
        UsedPages += pages;
        _next = first + pages < Pages ? first + pages : 0;
        address = _start + (nint)first * PageBytes;
        return true;
    }

    internal void Return(nint address, int bytes)
    {
        int pages = PagesOf(bytes);
        Mark((int)((address - _start) / PageBytes), pages, used: false);
        UsedPages -= pages;
    }

    private int FindPage()
    {
        for (int turn = 0, word = _next / PagesPerWord; turn < _used.Length; turn++, word = word + 1 < _used.Length ? word + 1 : 0)
        {
            if (_used[word] != ulong.MaxValue)
            {
                return word * PagesPerWord + BitOperations.TrailingZeroCount(~_used[word]);
            }
        }

        return -1;
    }

    /// <summary>The first run from where the last one ended, or else from the start.</summary>
    private int FindRun(int pages)
    {
        int found = FindRun(_next, Pages, pages);
        return found >= 0 ? found : FindRun(0, Math.Min(Pages, _next + pages), pages);
    }

    private int FindRun(int from, int to, int pages)
    {
        int run = 0;
        for (int page = from; page < to; page++)
        {
            run = (_used[page / PagesPerWord] & 1UL << page % PagesPerWord) == 0 ? run + 1 : 0;
            if (run == pages)
            {
                return page - pages + 1;
            }
        }

        return -1;
    }

    private void Mark(int first, int pages, bool used)
    {
        for (int page = first; page < first + pages; page++)
        {
            ulong bit = 1UL << page % PagesPerWord;
            ref ulong word = ref _used[page / PagesPerWord];
            if ((word & bit) != 0 == used)
            {
                throw new InvalidOperationException("A page of the arena was taken or returned twice.");
            }

            word ^= bit;
        }
    }

    private static int PagesOf(int bytes) => (bytes + PageBytes - 1) / PageBytes;
}
