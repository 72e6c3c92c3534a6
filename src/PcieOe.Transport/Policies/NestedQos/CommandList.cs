namespace PcieOe.Transport.Policies.NestedQos;

/// <summary>Commands in the order of their coming: a list through <see cref="WaitingCommand.Next"/> of a table that others share.</summary>
internal struct CommandList()
{
    internal const int None = -1;

    private int _tail = None;

    internal int Head { get; private set; } = None;

    internal readonly bool IsEmpty => Head == None;

    internal void Append(WaitingCommand[] table, int entry)
    {
        table[entry].Next = None;
        if (IsEmpty)
        {
            Head = entry;
        }
        else
        {
            table[_tail].Next = entry;
        }

        _tail = entry;
    }

    /// <summary>In front of all others: for a list of free places, where the last used is still in the cache.</summary>
    internal void Prepend(WaitingCommand[] table, int entry)
    {
        table[entry].Next = Head;
        if (IsEmpty)
        {
            _tail = entry;
        }

        Head = entry;
    }

    /// <summary>Takes the first; there must be one.</summary>
    internal int TakeFirst(WaitingCommand[] table)
    {
        int entry = Head;
        Head = table[entry].Next;
        return entry;
    }

    /// <summary>Moves an owner's commands (or its one command of that tag) into <paramref name="removed"/>, and says how many.</summary>
    internal int Remove(WaitingCommand[] table, int owner, ulong? tag, ref CommandList removed)
    {
        CommandList kept = new();
        int count = 0;
        while (!IsEmpty)
        {
            int entry = TakeFirst(table);
            if (table[entry].Owner == owner && (tag is null || table[entry].Tag == tag))
            {
                removed.Append(table, entry);
                count++;
            }
            else
            {
                kept.Append(table, entry);
            }
        }

        this = kept;
        return count;
    }
}

/// <summary>A command that waits for its start.</summary>
internal struct WaitingCommand
{
    internal ulong Tag;
    internal long Arrival;
    internal long Deadline;
    internal int Owner;
    internal int Units;
    internal int Tenant;
    internal int Class;
    internal int Next;
}
