namespace PcieOe.Host.FrontEnds.Nbd.Transmission;

/// <summary>A part of a request: one command to the device.</summary>
internal struct Piece
{
    /// <summary>0 where there is none.</summary>
    public nint Buffer;

    /// <summary>In the export.</summary>
    public ulong Offset;
    public int Bytes;
    public int Request;

    /// <summary>For a READ that is answered in order: its data is there.</summary>
    public bool IsRead;
}

/// <summary>The pieces of a connection's requests, each with its part of the connection's memory. One thread.</summary>
internal sealed class PieceTable(BufferArena arena)
{
    internal const int None = -1;
    internal const int Capacity = 256;

    private readonly Piece[] _pieces = new Piece[Capacity];
    private readonly SlotStack _free = new(Capacity);

    internal int Count => _free.Used;

    internal bool IsFull => _free.IsEmpty;

    internal ref Piece this[int index] => ref _pieces[index];

    /// <summary>Adds a piece with memory for its data. False: there is no memory or no slot for it now.</summary>
    internal bool TryAdd(int request, ulong offset, int bytes, out int index)
    {
        index = None;
        if (IsFull || !arena.TryTake(bytes, out nint buffer))
        {
            return false;
        }

        index = Add(request, offset);
        _pieces[index].Buffer = buffer;
        _pieces[index].Bytes = bytes;
        return true;
    }

    /// <summary>Adds a piece without data. The caller has looked at <see cref="IsFull"/> before.</summary>
    internal int Add(int request, ulong offset)
    {
        int index = _free.Take();
        _pieces[index] = new Piece { Request = request, Offset = offset };
        return index;
    }

    internal void Release(int index)
    {
        ref Piece piece = ref _pieces[index];
        if (piece.Buffer != 0)
        {
            arena.Return(piece.Buffer, piece.Bytes);
        }

        piece = default;
        _free.Return(index);
    }

    /// <summary>The piece whose data has been read from that place and is not replied yet; <see cref="None"/> if there is none.</summary>
    internal int FindRead(ulong offset)
    {
        for (int index = 0; index < Capacity; index++)
        {
            if (_pieces[index].IsRead && _pieces[index].Offset == offset)
            {
                return index;
            }
        }

        return None;
    }

    /// <summary>Releases a request's pieces whose data has been read and is not replied.</summary>
    internal void ReleaseRead(int request)
    {
        for (int index = 0; index < Capacity; index++)
        {
            if (_pieces[index].IsRead && _pieces[index].Request == request)
            {
                Release(index);
            }
        }
    }
}
