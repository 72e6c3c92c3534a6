using PcieOe.Host.Interop;

namespace PcieOe.Host.FrontEnds.VfioUser.Worker;

/// <summary>
/// The vectors of one kind of interrupt: each has the client's eventfd, a mask and a pending mark. An interrupt does not overtake writes
/// that the client itself still has to carry out (memory without a descriptor): it waits until they are acknowledged. Worker's thread.
/// </summary>
internal sealed class InterruptLines(int count, ClientEvents events)
{
    private const int NoDescriptor = -1;
    private const long None = long.MaxValue;

    private readonly Line[] _lines = CreateLines(count);
    private int _waiting;

    public int Count => count;

    /// <summary>Whether interrupts wait for writes to be acknowledged.</summary>
    public bool HasWaiting => _waiting > 0;

    /// <summary>Takes over the descriptor (-1: none) and closes the one before.</summary>
    public void SetDescriptor(int vector, int descriptor)
    {
        ref Line line = ref _lines[vector];
        if (line.Descriptor != NoDescriptor)
        {
            _ = LibC.Close(line.Descriptor);
        }

        line.Descriptor = descriptor;
    }

    public void Mask(int vector) => _lines[vector].IsMasked = true;

    /// <summary>Lets through what came while the vector was masked.</summary>
    public void Unmask(int vector)
    {
        ref Line line = ref _lines[vector];
        line.IsMasked = false;
        if (line.IsPending)
        {
            line.IsPending = false;
            events.Signal(line.Descriptor);
        }
    }

    /// <param name="writesRequested">Writes asked of the client so far, of which <paramref name="writesDone"/> are acknowledged.</param>
    /// <returns>False: the client has no use for this interrupt.</returns>
    public bool Raise(int vector, long writesRequested, long writesDone)
    {
        if ((uint)vector >= (uint)count || _lines[vector].Descriptor == NoDescriptor)
        {
            return false;
        }

        ref Line line = ref _lines[vector];
        if (writesRequested == writesDone && line.DueAfterWrite == None)
        {
            Deliver(ref line);
        }
        else if (line.DueAfterWrite == None)
        {
            line.DueAfterWrite = writesRequested;
            _waiting++;
        }
        else
        {
            line.NextDueAfterWrite = writesRequested; // of several that follow, the last one says it all
        }

        return true;
    }

    /// <summary>Delivers what waited for writes that are acknowledged by now.</summary>
    public void DeliverDue(long writesDone)
    {
        for (int vector = 0; vector < count && _waiting > 0; vector++)
        {
            ref Line line = ref _lines[vector];
            if (line.DueAfterWrite > writesDone)
            {
                continue;
            }

            line.DueAfterWrite = line.NextDueAfterWrite;
            line.NextDueAfterWrite = None;
            _waiting -= line.DueAfterWrite == None ? 1 : 0;
            Deliver(ref line);
        }
    }

    /// <summary>Forgets everything about the client.</summary>
    public void Clear()
    {
        for (int vector = 0; vector < count; vector++)
        {
            SetDescriptor(vector, NoDescriptor);
            _lines[vector] = Line.Idle;
        }

        _waiting = 0;
    }

    private void Deliver(ref Line line)
    {
        if (line.IsMasked)
        {
            line.IsPending = true;
        }
        else if (line.Descriptor != NoDescriptor)
        {
            events.Signal(line.Descriptor);
        }
    }

    private static Line[] CreateLines(int count)
    {
        var lines = new Line[count];
        Array.Fill(lines, Line.Idle);
        return lines;
    }

    private struct Line
    {
        public int Descriptor;
        public bool IsMasked;
        public bool IsPending;
        public long DueAfterWrite;
        public long NextDueAfterWrite;

        public static Line Idle => new() { Descriptor = NoDescriptor, DueAfterWrite = None, NextDueAfterWrite = None };
    }
}
