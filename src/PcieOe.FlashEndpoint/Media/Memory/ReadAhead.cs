using PcieOe.Protocol.Frames;

namespace PcieOe.FlashEndpoint.Media.Memory;

/// <summary>
/// Pieces of memory that are going to be read, in the order in which that was announced: while one is copied, the beginning of the
/// next ones is asked for. Reads in another order, or that never come, cost only what was asked for in vain.
/// </summary>
internal sealed unsafe class ReadAhead
{
    private const int Capacity = 256;

    /// <summary>How many announcements are looked through for a read; if it is not among them, all are out of date.</summary>
    private const int MostPassedOver = 16;

    /// <summary>The processor asks by itself for what follows in a long piece, and does that best where it is read in one go.</summary>
    private const int LongestPieceBytes = 32 * 1024;

    private readonly Piece[] _pieces = new Piece[Capacity];

    // These count pieces, and index modulo the capacity. What lies before the first has been read; from the next on nothing has been
    // asked for but for the lines of it that are counted.
    private uint _first;
    private uint _next;
    private uint _end;
    private int _linesOfNext;

    public bool IsEmpty => _first == _end;

    /// <param name="skippedLines">How many lines of it need not be asked for.</param>
    public void Announce(byte* start, long bytes, int skippedLines)
    {
        int lines = (int)Math.Min((bytes + CheckedCopy.LineBytes - 1) / CheckedCopy.LineBytes, int.MaxValue);
        if (_end - _first < Capacity && lines > skippedLines)
        {
            _pieces[_end % Capacity] = new Piece { Start = start, Lines = lines, SkippedLines = skippedLines };
            if (_next == _end)
            {
                _linesOfNext = skippedLines;
            }

            _end++;
        }
    }

    /// <summary>This is read now: what was announced before it need not be asked for any more.</summary>
    /// <returns>Whether it is part of a piece of at most <see cref="LongestPieceBytes"/> that was announced.</returns>
    public bool OnRead(byte* start, int bytes)
    {
        uint last = Math.Min(_end - _first, MostPassedOver) + _first;
        for (uint i = _first; i != last; i++)
        {
            ref readonly Piece piece = ref _pieces[i % Capacity];
            if (piece.Contains(start))
            {
                PassOver(i, (int)((start + bytes - piece.Start) / CheckedCopy.LineBytes));
                return piece.Lines <= LongestPieceBytes / CheckedCopy.LineBytes;
            }
        }

        _first = _end;
        StartNext(_end);
        return false;
    }

    /// <summary>The next lines to ask for, at most so many; the number of them, and where they begin.</summary>
    public int Take(int lines, out byte* start)
    {
        if (_next == _end)
        {
            start = null;
            return 0;
        }

        ref Piece piece = ref _pieces[_next % Capacity];
        start = piece.Start + (long)_linesOfNext * CheckedCopy.LineBytes;
        int taken = Math.Min(lines, piece.Lines - _linesOfNext);
        _linesOfNext += taken;
        if (_linesOfNext == piece.Lines)
        {
            StartNext(_next + 1);
        }

        return taken;
    }

    private void PassOver(uint index, int lines)
    {
        bool isWhole = lines >= _pieces[index % Capacity].Lines;
        _first = isWhole ? index + 1 : index;
        if ((int)(_next - index) > 0 || _next == index && _linesOfNext >= lines)
        {
            return;
        }

        if (isWhole)
        {
            StartNext(index + 1);
        }
        else
        {
            _next = index;
            _linesOfNext = Math.Max(lines, _pieces[index % Capacity].SkippedLines);
        }
    }

    private void StartNext(uint index)
    {
        _next = index;
        _linesOfNext = index == _end ? 0 : _pieces[index % Capacity].SkippedLines;
    }

    private struct Piece
    {
        public byte* Start;
        public int Lines;
        public int SkippedLines;

        public readonly byte* End => Start + (long)Lines * CheckedCopy.LineBytes;

        public readonly bool Contains(byte* position) => position >= Start && position < End;
    }
}
