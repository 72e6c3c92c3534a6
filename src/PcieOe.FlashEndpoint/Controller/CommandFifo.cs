namespace PcieOe.FlashEndpoint.Controller;

/// <summary>Commands that wait for one kind of thing, first come, first served.</summary>
internal struct CommandFifo
{
    private Command? _first;
    private Command? _last;

    public readonly bool IsEmpty => _first is null;

    public void Add(Command command)
    {
        command.Next = null;
        if (_last is null)
        {
            _first = command;
        }
        else
        {
            _last.Next = command;
        }

        _last = command;
    }

    public Command? TakeFirst()
    {
        Command? command = _first;
        if (command is not null)
        {
            _first = command.Next;
            command.Next = null;
            if (_first is null)
            {
                _last = null;
            }
        }

        return command;
    }

    public void Clear() => _first = _last = null;
}
